"""What becomes of a figure: part of a page, a file, or the output of a notebook's cell.

As SVG, its colours are CSS variables, so that light, dark and print are the page's choice; a file
brings both sets of them along.
"""

import io
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ratecast.atomic_write import write_text
from ratecast.plots.canvas import DARK, LIGHT, PAPER, VARIABLES, style

# A figure grows to this many pixels for each of its points, so that letters stay in proportion.
MOST_WIDER = 1.35
DPI = 110
_FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif'


@dataclass(frozen=True)
class Picture:
    """A figure, and `words` that say to a screen reader what it shows."""

    figure: Figure
    words: str

    def svg(self, more: str = "") -> str:
        """For a page that has the colours as CSS variables; `more` is said after the words."""
        words = ", ".join(filter(None, [self.words, more]))
        drawn = _drawn(self.figure, words)
        box = re.search(r'viewBox="([^"]+)"', drawn)
        size = box[1] if box else "0 0 0 0"
        width = round(MOST_WIDER * float(size.split()[2]))
        opening = (
            f'<svg viewBox="{size}" style="max-width: {width}px" role="img" '
            f'aria-label="{escape(words)}">'
        )
        return opening + _of_page(drawn[drawn.index(">") + 1 :])

    def save(self, path: Path) -> Path:
        """Write a file: .svg (light and dark in one) or .png (light); the path, for chaining."""
        path = Path(path)
        if path.suffix == ".svg":
            write_text(path, self.file())
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.png(150))
        return path

    def png(self, dpi: int = DPI) -> bytes:
        """On paper."""
        buffer = io.BytesIO()
        FigureCanvasAgg(self.figure)
        with style():
            self.figure.savefig(
                buffer, format="png", dpi=dpi, facecolor=PAPER, metadata={"Software": None}
            )
        return buffer.getvalue()

    def _repr_png_(self) -> bytes:
        return self.png()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {"image/png": self.png(), "text/plain": self.words}

    def file(self) -> str:
        """A whole SVG file, which follows the reader's choice of light or dark."""
        body = self.svg()
        size = [float(x) for x in re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', body)[0]]
        opening = body[: body.index(">")].replace(
            "<svg",
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"',
        )
        look = (
            f"<style>svg {{ {_rules(LIGHT)} }} text {{ font-family: {_FONT} }} "
            f"@media (prefers-color-scheme: dark) {{ svg {{ {_rules(DARK)} }} }}</style>"
        )
        sheet = '<rect width="100%" height="100%" rx="6" style="fill: var(--card)"/>'
        width, height = (round(MOST_WIDER * x) for x in size)
        box = f'{opening} width="{width}" height="{height}">'
        return box + look + sheet + body[body.index(">") + 1 :] + "\n"


def _rules(colors: dict[str, str]) -> str:
    return " ".join(f"--{name}: {color};" for name, color in colors.items())


def _drawn(figure: Figure, words: str) -> str:
    buffer = io.StringIO()
    nothing: dict[str, Any] = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with style(), mpl.rc_context({"svg.hashsalt": words}):
        figure.savefig(buffer, format="svg", metadata=nothing)
    drawn = buffer.getvalue()
    return drawn[drawn.index("<svg") :].rstrip()


def _of_page(body: str) -> str:
    """Colours by the page's variables, letters by its font, and nothing that it does not need."""
    body = re.sub(r' id="(?:figure|axes|matplotlib|patch|line2d|text|xtick|ytick|Path|Line)[^"]*"',
                  "", body)  # fmt: skip
    body = re.sub(r"<!--.*?-->\s*", "", body, flags=re.DOTALL)
    body = re.sub(r"font: (?:(\w+) )?([\d.]+)px [^;\"]+", _letters, body)
    body = body.replace("xlink:href", "href")
    return re.sub(r"#[0-9a-f]{6}(?=[;\"])", _color, body)


def _letters(found: re.Match[str]) -> str:
    weight = f"font-weight: {found[1]}; " if found[1] else ""
    return f"{weight}font-size: {found[2]}px"


def _color(found: re.Match[str]) -> str:
    name = VARIABLES.get(found[0])
    return f"var(--{name})" if name else found[0]

"""Pictures: a figure as part of a page, as a file, or as the output of a notebook cell.

In SVG the colours are CSS variables, so that the page chooses light, dark or print; a file contains
a light and a dark set of them.
"""

import io
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure
from matplotlib.text import Text

from ratecast.atomic_write import write_text
from ratecast.plots.canvas import DARK, LIGHT, PAPER, VARIABLES, style
from ratecast.visible_text import lines

# Maximum width on a page, in pixels for each point of the figure.
MAX_SCALE = 1.35
DPI = 110
_FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif'


@dataclass(frozen=True)
class Picture:
    """A figure. words: its description for a screen reader."""

    figure: Figure
    words: str

    def __post_init__(self) -> None:
        # Control characters, as of a movie's title, are no valid XML and have no glyph.
        for artist in self.figure.findobj(Text):
            if isinstance(artist, Text) and artist.get_text() != lines(artist.get_text()):
                artist.set_text(lines(artist.get_text()))

    def svg(self, more: str = "") -> str:
        """SVG for a page that defines the colours as CSS variables. more: added to the words."""
        words = ", ".join(filter(None, [self.words, more]))
        svg = _svg(self.figure, words)
        box = re.search(r'viewBox="([^"]+)"', svg)
        size = box[1] if box else "0 0 0 0"
        width = round(MAX_SCALE * float(size.split()[2]))
        opening = (
            f'<svg viewBox="{size}" style="max-width: {width}px" role="img" '
            f'aria-label="{escape(lines(words))}">'
        )
        return opening + _with_variables(svg[svg.index(">") + 1 :])

    def save(self, path: Path) -> Path:
        """Write a file, .svg (light and dark), .pdf or .png (light); returns the path."""
        path = Path(path)
        if path.suffix == ".svg":
            write_text(path, self.file())
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.pdf() if path.suffix == ".pdf" else self.png(150))
        return path

    def pdf(self) -> bytes:
        """PDF on a light background, with text that can be searched; the same each time."""
        buffer = io.BytesIO()
        FigureCanvasPdf(self.figure)
        with style(), mpl.rc_context({"pdf.fonttype": 42}):
            self.figure.savefig(
                buffer, format="pdf", facecolor=PAPER, metadata={"CreationDate": None}
            )
        return buffer.getvalue()

    def png(self, dpi: int = DPI) -> bytes:
        """PNG on a light background."""
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
        """A complete SVG file, light or dark as the reader prefers."""
        body = self.svg()
        size = [float(x) for x in re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', body)[0]]
        opening = body[: body.index(">")].replace(
            "<svg",
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"',
        )
        css = (
            f"<style>svg {{ {_rules(LIGHT)} }} text {{ font-family: {_FONT} }} "
            f"@media (prefers-color-scheme: dark) {{ svg {{ {_rules(DARK)} }} }}</style>"
        )
        background = '<rect width="100%" height="100%" rx="6" style="fill: var(--card)"/>'
        width, height = (round(MAX_SCALE * x) for x in size)
        box = f'{opening} width="{width}" height="{height}">'
        return box + css + background + body[body.index(">") + 1 :] + "\n"


def _rules(colors: dict[str, str]) -> str:
    return " ".join(f"--{name}: {color};" for name, color in colors.items())


def _svg(figure: Figure, words: str) -> str:
    buffer = io.StringIO()
    no_metadata: dict[str, Any] = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with style(), mpl.rc_context({"svg.hashsalt": words}):
        figure.savefig(buffer, format="svg", metadata=no_metadata)
    svg = buffer.getvalue()
    return svg[svg.index("<svg") :].rstrip()


def _with_variables(body: str) -> str:
    """The SVG with CSS variables for colours, the font of the page, and no needless ids."""
    body = re.sub(r' id="(?:figure|axes|matplotlib|patch|line2d|text|xtick|ytick|Path|Line)[^"]*"',
                  "", body)  # fmt: skip
    body = re.sub(r"<!--.*?-->\s*", "", body, flags=re.DOTALL)
    body = re.sub(r"font: (?:(\w+) )?([\d.]+)px [^;\"]+", _font, body)
    body = body.replace("xlink:href", "href")
    return re.sub(r"#[0-9a-f]{6}(?=[;\"])", _color, body)


def _font(match: re.Match[str]) -> str:
    weight = f"font-weight: {match[1]}; " if match[1] else ""
    return f"{weight}font-size: {match[2]}px"


def _color(match: re.Match[str]) -> str:
    name = VARIABLES.get(match[0])
    return f"var(--{name})" if name else match[0]

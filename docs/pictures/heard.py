"""Draws the pictures of the pages from the results file: `make pictures`.

One file serves the light and the dark page, so that its text is of a grey that both carry.
"""

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

ROOT = Path(__file__).parent.parent.parent
PICTURE = ROOT / "docs" / "pictures" / "heard.svg"
# Model and colour; the last is drawn on top.
LINES = {"mean": "#8a8f98", "bias": "#4c8dd6", "als": "#2fa37c", "blend": "#f0642d"}
SPANS = {
    "heard-0": "none",
    "heard-1-5": "1 to 5",
    "heard-6-20": "6 to 20",
    "heard-over-20": "more than 20",
}
GREY = "#7d838c"


def heard(rows: list[dict[str, Any]]) -> str:
    """SVG: as-of RMSE on the test part, by how many of the user's ratings the model had heard."""
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "ratecast", "font.size": 11}):
        figure = Figure(figsize=(7.6, 3.6), layout="constrained")
        axes = figure.add_subplot()
        for model, colour in LINES.items():
            rmse = [_rmse(rows, model, span) for span in SPANS]
            axes.plot(list(SPANS.values()), rmse, "o-", color=colour, linewidth=2.2, markersize=6)
            end = (len(SPANS) - 1, rmse[-1])
            axes.annotate(model, end, (12, -4), color=colour, textcoords="offset points")
        axes.set_xlabel("ratings of the user heard before the forecast")
        axes.set_ylabel("test RMSE (stars)")
        axes.set_xlim(-0.2, len(SPANS) - 0.45)
        _plain(axes)
        return _svg(figure)


def _rmse(rows: list[dict[str, Any]], model: str, span: str) -> float:
    wanted = (model, "as-of", "test", span)
    keys = ("model", "protocol", "part", "slice")
    return float(next(row["rmse"] for row in rows if tuple(row[k] for k in keys) == wanted))


def _plain(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.tick_params(colors=GREY)
    axes.xaxis.label.set_color(GREY)
    axes.yaxis.label.set_color(GREY)
    axes.grid(axis="y", color=GREY, alpha=0.2)


def _svg(figure: Figure) -> str:
    text = StringIO()
    nothing = {"Date": None, "Creator": None}
    figure.savefig(text, format="svg", transparent=True, metadata=nothing)
    # The reader's own font, as that of the text around it.
    return re.sub(r"font-family: [^;]+;", "font-family: sans-serif;", text.getvalue())


if __name__ == "__main__":
    results = json.loads((ROOT / "results" / "reproduce.json").read_text("utf-8"))
    PICTURE.write_text(heard(results["rows"]), "utf-8")

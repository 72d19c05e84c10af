"""Charts by ECharts, which comes with NiceGUI: no request leaves the machine."""

from typing import Any

import numpy as np
from nicegui import ui

from ratecast.ratings import Scale
from ratecast.serving.user_replay import Hindsight

MOST_POINTS, FEW_POINTS = 500, 120
# Drawn as SVG, these are CSS variables of the sheet, so that light and dark need no redrawing.
INK, MUTED, GRID, CARD = "var(--ink)", "var(--muted)", "var(--grid)", "var(--card)"
FONT = {"fontFamily": "Roboto, system-ui, sans-serif"}
GAVE, SAID, OTHER = "var(--gave)", "var(--said)", "var(--other)"


def tip(**more: Any) -> dict[str, Any]:
    """A tooltip that looks like the page."""
    look = {"backgroundColor": CARD, "borderColor": GRID, "textStyle": {"color": INK}}
    return {"trigger": "item", "formatter": "{b}", "confine": True} | look | more


def course(found: Hindsight, scale: Scale) -> None:
    """Stars given and forecasts, in the order they came."""
    rows = _few(len(found.stars))
    gave = [_point(found, row, float(found.stars[row])) for row in rows]
    told = [_point(found, row, round(float(found.forecast[row]), 3)) for row in rows]
    vertical = _axis("stars") | {"min": scale.low, "max": scale.high, "interval": scale.step}
    few = len(rows) <= FEW_POINTS
    words = f"{len(found.stars)} ratings given, and the forecast before each"
    _chart(
        words,
        vertical,
        [
            _series("given", "scatter", gave, GAVE) | {"symbolSize": 7},
            _series("forecast", "line", told, SAID) | {"symbolSize": 5, "showSymbol": few},
        ],
    )


def errors(found: Hindsight) -> None:
    """RMSE over all ratings so far, hearing the user and as for a stranger."""
    rows = _few(len(found.stars))
    lines = {"hearing this user": (found.forecast, SAID), "as for a stranger": (found.blind, OTHER)}
    drawn = []
    for name, (forecast, color) in lines.items():
        so_far = found.rmse(forecast)
        points = [
            {"value": [row + 1, round(float(so_far[row]), 4)], "name": f"{name}: {so_far[row]:.3f}"}
            for row in rows
        ]
        drawn.append(_series(name, "line", points, color) | {"showSymbol": len(rows) <= FEW_POINTS})
    _chart("RMSE over all ratings so far", _axis("RMSE") | {"scale": True}, drawn)


def _point(found: Hindsight, row: int, value: float) -> dict[str, Any]:
    said = f"gave {found.stars[row]:g}, forecast {found.forecast[row]:.1f}"
    return {"value": [row + 1, value], "name": f"{found.movies[row].title}: {said}"}


def _few(n: int) -> list[int]:
    """Row numbers to draw: all, or evenly so many of them."""
    rows: list[int] = np.unique(np.linspace(0, n - 1, min(n, MOST_POINTS)).astype(int)).tolist()
    return rows


def _axis(name: str) -> dict[str, Any]:
    return {
        "type": "value",
        "name": name,
        "nameTextStyle": {"color": MUTED, "align": "left"},
        "axisLabel": {"color": MUTED},
        "axisLine": {"show": False},
        "splitLine": {"lineStyle": {"color": GRID}},
    }


def _series(name: str, kind: str, points: list[dict[str, Any]], color: str) -> dict[str, Any]:
    look = {"itemStyle": {"color": color}, "lineStyle": {"color": color, "width": 1.6}}
    return {"name": name, "type": kind, "data": points, "symbol": "circle",
            "emphasis": {"disabled": True}} | look  # fmt: skip


def _chart(words: str, vertical: dict[str, Any], series: list[dict[str, Any]]) -> None:
    many = len(series[0]["data"])
    across = _axis("ratings, in the order they came") | {"nameLocation": "middle", "nameGap": 28}
    across |= {"min": 1, "max": max(many and series[0]["data"][-1]["value"][0], 2)}
    across |= {"minInterval": 1, "splitLine": {"show": False}, "nameTextStyle": {"color": MUTED}}
    options = {
        "textStyle": FONT,
        "animation": False,
        "grid": {"left": 8, "right": 16, "top": 56, "bottom": 28, "containLabel": True},
        "legend": {"top": 0, "left": 0, "textStyle": {"color": MUTED}, "inactiveColor": OTHER},
        "tooltip": tip(),
        "xAxis": across,
        "yAxis": vertical,
        "series": series,
    }
    ui.echart(options, renderer="svg").classes("chart").props(f'role="img" aria-label="{words}"')

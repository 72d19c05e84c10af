"""Charts of a user's replay, with ECharts, which is part of NiceGUI: needs no network."""

from typing import Any

import numpy as np
from nicegui import ui

from ratecast.ratings import Scale
from ratecast.serving.user_replay import UserReplay

MAX_POINTS, MAX_SYMBOLS = 500, 120
# CSS variables work because the charts are SVG; light and dark need no redrawing.
INK, MUTED, GRID, CARD = "var(--ink)", "var(--muted)", "var(--grid)", "var(--card)"
FONT = {"fontFamily": "Roboto, system-ui, sans-serif"}
GIVEN_COLOR, FORECAST_COLOR, OTHER = "var(--stars)", "var(--accent)", "var(--other)"


def tip(**more: Any) -> dict[str, Any]:
    """Options of a tooltip in the style of the page."""
    look = {"backgroundColor": CARD, "borderColor": GRID, "textStyle": {"color": INK}}
    return {"trigger": "item", "formatter": "{b}", "confine": True} | look | more


def ratings_chart(replay: UserReplay, scale: Scale) -> None:
    """Scatter of the ratings, and a line of the forecasts before them, in time order."""
    rows = _sample(len(replay.stars))
    stars = [_point(replay, row, float(replay.stars[row])) for row in rows]
    forecasts = [_point(replay, row, round(float(replay.forecast[row]), 3)) for row in rows]
    vertical = _axis("stars") | {"min": scale.low, "max": scale.high}
    vertical |= {} if scale.step is None else {"interval": scale.step}
    symbols = len(rows) <= MAX_SYMBOLS
    label = f"{len(replay.stars)} ratings, and the forecast before each"
    _chart(
        label,
        vertical,
        [
            _series("rating", "scatter", stars, GIVEN_COLOR) | {"symbolSize": 7},
            _series("forecast", "line", forecasts, FORECAST_COLOR)
            | {"symbolSize": 5, "showSymbol": symbols},
        ],
    )


def rmse_chart(replay: UserReplay) -> None:
    """Running RMSE: with the user's earlier ratings, and as for a new user."""
    rows = _sample(len(replay.stars))
    lines = {
        "with this user's ratings": (replay.forecast, FORECAST_COLOR),
        "as for a new user": (replay.as_new_user, OTHER),
    }
    drawn = []
    for name, (forecast, color) in lines.items():
        running = replay.rmse(forecast)
        points = [
            {
                "value": [row + 1, round(float(running[row]), 4)],
                "name": f"{name}: {running[row]:.3f}",
            }
            for row in rows
        ]
        drawn.append(
            _series(name, "line", points, color) | {"showSymbol": len(rows) <= MAX_SYMBOLS}
        )
    _chart("RMSE over the ratings so far", _axis("RMSE") | {"scale": True}, drawn)


def _point(replay: UserReplay, row: int, value: float) -> dict[str, Any]:
    label = f"rated {replay.stars[row]:g}, forecast {replay.forecast[row]:.1f}"
    return {"value": [row + 1, value], "name": f"{replay.movies[row].title}: {label}"}


def _sample(n: int) -> list[int]:
    """Row numbers to draw: all, or `MAX_POINTS` of them, evenly spaced."""
    rows: list[int] = np.unique(np.linspace(0, n - 1, min(n, MAX_POINTS)).astype(int)).tolist()
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


def _chart(label: str, vertical: dict[str, Any], series: list[dict[str, Any]]) -> None:
    count = len(series[0]["data"])
    horizontal = _axis("ratings, in time order") | {"nameLocation": "middle", "nameGap": 28}
    horizontal |= {"min": 1, "max": max(count and series[0]["data"][-1]["value"][0], 2)}
    horizontal |= {
        "minInterval": 1,
        "splitLine": {"show": False},
        "nameTextStyle": {"color": MUTED},
    }
    options = {
        "textStyle": FONT,
        "animation": False,
        "grid": {"left": 8, "right": 16, "top": 56, "bottom": 28, "containLabel": True},
        "legend": {"top": 0, "left": 0, "textStyle": {"color": MUTED}, "inactiveColor": OTHER},
        "tooltip": tip(),
        "xAxis": horizontal,
        "yAxis": vertical,
        "series": series,
    }
    ui.echart(options, renderer="svg").classes("chart").props(f'role="img" aria-label="{label}"')

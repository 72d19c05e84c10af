"""Nets of several workers beside those of the command alone: what is measured, and the table."""

import pytest

from benchmarks import nets_on_cluster, records
from benchmarks.nets_on_cluster import ALONE, NETS, PLACES, nets_table


def section(of_workers: float) -> records.Record:
    """Planted figures. of_workers: RMSE of each fit by workers."""
    rows = []
    for key, _ in nets_on_cluster.steps():
        net, place, seed = key.split(", ")
        number = int(seed.removeprefix("seed "))
        rmse = 1 + number / 1000 if place == ALONE else of_workers
        rows.append({"net": net, "place": place, "seed": number, "rmse": {"valid": rmse}})
    return {"machine": records.machine(), "rows": rows}


def test_every_net_is_fitted_at_every_place() -> None:
    table = nets_table(section(1.002))
    assert all(f"| {net} | {place} | " in table for net in NETS for place in PLACES)
    assert f"| mf | {ALONE} | 5 | 1.0020 | 0.0016 | 1.0000 | 1.0040 |" in table
    assert "| mf | two workers | 3 | 1.0020 | 0.0000 | 1.0020 | 1.0020 |" in table
    assert table.endswith("Each mean of workers is within the range of the command alone.")


@pytest.mark.parametrize("rmse", [0.999, 1.005])
def test_a_mean_outside_the_range_is_said(rmse: float) -> None:
    assert "**Outside the range of the command alone**: neumf by one worker, " in nets_table(
        section(rmse)
    )

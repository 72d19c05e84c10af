"""The simulation of a cluster, against what was measured and what is known without measuring."""

from pathlib import Path

import pytest

from benchmarks import cluster_plan, on_cluster, page, records, tables
from benchmarks.cluster_plan import Costs, Size, epoch_seconds, half_seconds
from ratecast.splits import holdout
from ratecast.workers import Local
from tests.planted import planted

SIZE = Size(1e8, 1e6, 1e5, 16)


def test_work_alone_is_divided_by_the_workers() -> None:
    costs = Costs(1e-8, 1e-8, 0.0, 0.0, 0.0)
    for workers in (1, 2, 4, 16):
        # A barrier or a message costs nothing here, and all blocks are alike.
        assert epoch_seconds(SIZE, costs, workers) == pytest.approx(1.0 / workers)
    assert half_seconds(SIZE, costs, 24) == pytest.approx(1.0 / 24)


def test_messages_and_the_driver_set_a_limit() -> None:
    costs = Costs(1e-8, 1e-8, 0.0, 0.0, 1e-9, 1e-9)
    gathered = SIZE.bytes * 2e-9
    times = [epoch_seconds(SIZE, costs, workers) for workers in (1, 2, 4, 16)]
    assert times == sorted(times, reverse=True)
    assert times[-1] > 1.0 / 16 + gathered
    # One worker sends nothing to another.
    assert times[0] == pytest.approx(1.0 + gathered)


def test_only_what_was_measured_as_simulated_is_said_of_larger_clusters() -> None:
    rows = records.read()["cluster"]["rows"]
    text = "\n".join(cluster_plan.lines(rows))
    for kind, simulate in cluster_plan.SIMULATED.items():
        found = {row["place"]: row for row in rows if row["work"] == kind}
        costs = cluster_plan.costs_of(found["one worker"], kind, cluster_plan.copy_cost(rows))
        simulated = simulate(Size(**found["one worker"]["size"]), costs, 2)
        near = abs(simulated / found["two workers"]["seconds"]["each"] - 1) <= 0.2
        (line,) = (line for line in text.splitlines() if line.startswith(f"| {kind} |"))
        assert ("not confirmed" in line) == (not near)
    assert "| als |" in text


def test_the_page_has_every_work_at_every_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = holdout(planted())
    for name, part in (("inner", split.train), ("train", split.train), ("valid", split.test)):
        part.frame.write_parquet(tmp_path / f"{name}.parquet")
    monkeypatch.setenv("RATECAST_HOME", str(tmp_path))
    monkeypatch.setattr(tables, "grown", lambda _: tables.Parts(tmp_path))
    monkeypatch.setattr(on_cluster, "FACTORS", 4)
    monkeypatch.setattr(on_cluster, "FITS", 2)
    rows = []
    for work, run in on_cluster.WORK.items():
        found = run(Local(), 20_000)
        assert found["seconds"]["whole"] > 0
        rows += [{"work": work, "place": place} | found for place in on_cluster.PLACES]
    table = page.cluster_table({"machine": records.machine(), "rows": rows})
    assert all(f"| {work} | " in table for work in on_cluster.WORK)
    assert "Of 1e10 ratings" in table

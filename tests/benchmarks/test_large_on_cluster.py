"""The large works on a cluster, small: what they measure, and their table."""

from pathlib import Path

import pytest

from benchmarks import billion, large_on_cluster, page, records
from ratecast.workers import Local
from tests.planted import planted


def test_a_sweep_and_lists_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = planted()
    parts = tmp_path / "parts"
    parts.mkdir()
    table.frame.write_parquet(parts / "ratings.parquet")
    monkeypatch.setenv("RATECAST_HOME", str(tmp_path))
    monkeypatch.setattr(billion, "grown", lambda _: parts)
    monkeypatch.setattr(billion, "HELD", len(table) // 20)
    monkeypatch.setattr(large_on_cluster, "FACTORS", 4)
    monkeypatch.setattr(large_on_cluster, "PLACE", Local())
    fit = large_on_cluster.sweep(len(table))
    lists = large_on_cluster.lists(len(table), 20)
    seconds = fit["seconds"]
    assert seconds["whole"] == pytest.approx(sum(s for k, s in seconds.items() if k != "whole"))
    assert all(value > 0 for value in seconds.values())
    assert lists["sizes"]["rows"] == 20 * large_on_cluster.COUNT
    rows = [{"work": "sweep", "peak_gb": 1.0} | fit, {"work": "lists", "peak_gb": 1.0} | lists]
    text = page.large_cluster_table({"machine": records.machine(), "rows": rows})
    assert "| sweep |" in text
    assert "20 users" in text


def test_memory_is_that_of_all_processes() -> None:
    memory = large_on_cluster.Memory()
    with memory.watched():
        pass
    assert 0.05 < memory.peak < 50

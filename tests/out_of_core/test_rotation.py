"""The plan of an epoch over actors, and its bits, without a cluster."""

import os
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ratecast.errors import InputError
from ratecast.modelling.kernels.csr import Triples
from ratecast.models.mf_bias.stratified_sgd import GROUPS
from ratecast.out_of_core import by_runs, estimates, shard
from ratecast.out_of_core import fit as fit_module
from ratecast.out_of_core.fit import fit_out_of_core
from ratecast.out_of_core.rotation import owners, plan
from ratecast.out_of_core.strata import Block, StrataOnDisk
from ratecast.workers.local import local_pool
from ratecast.workers.place import Ray
from tests.out_of_core.tables import MODELS, SHARE, ratings, write_parts
from tests.out_of_core.test_fit import QUIET, assert_same


@pytest.mark.parametrize("actors", [1, 2, 3, 7, 16])
def test_every_group_has_its_blocks_in_the_order_of_the_strata(actors: int) -> None:
    random, owner = np.random.default_rng(actors), owners(actors)
    assert sorted(set(owner)) == list(range(actors))
    holders = [owner[m] for m in range(GROUPS)]
    for _ in range(20):
        order = random.permutation(GROUPS).tolist()
        turns, after = plan(order, owner, holders)
        movies = [{m for m in range(GROUPS) if holders[m] == k} for k in range(actors)]
        users: list[list[int]] = [[] for _ in range(GROUPS)]
        mail: dict[tuple[int, int], list[int]] = {}
        for number, turn in enumerate(turns):
            for at in turn.takes:
                assert at < number
                movies[turn.actor] |= set(mail.pop((at, turn.actor)))
            for user, movie in turn.blocks:
                assert owner[user] == turn.actor
                assert movie in movies[turn.actor]
                users[user].append((movie - user) % GROUPS)
            for to, groups in turn.sends.items():
                mail[number, to] = groups
                movies[turn.actor] -= set(groups)
        assert not mail
        assert users == [order] * GROUPS
        holders = after
        assert [next(k for k in range(actors) if m in movies[k]) for m in range(GROUPS)] == holders


@pytest.mark.parametrize("actors", [1, 2, 3, 7, 16, 20])
def test_actors_give_the_bits_of_one_machine(
    actors: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_parts(tmp_path / "parts", ratings())
    monkeypatch.setattr(by_runs, "_LEAST", 100)
    with local_pool(1) as workers:
        monkeypatch.setattr(type(workers), "count", actors)
        monkeypatch.setattr(fit_module, "_workers", lambda *_: nullcontext(workers))
        monkeypatch.setattr(estimates, "require_memory_of_workers", lambda *_, **__: None)
        for name in ("mf_bias", "als"):
            work, lines = tmp_path / f"{name}-{actors}", list[str]()
            fit: Any = partial(fit_out_of_core, parts=folder, valid=SHARE)
            found = fit(MODELS[name](), folder=work, on=Ray(), notify=lines.append)
            unused = [
                "model mf_bias: its users are divided into 16 groups, so that 16 of the 20 "
                "workers are used"
            ]
            assert lines == (unused if (name, actors) == ("mf_bias", 20) else [])
            with monkeypatch.context() as alone:
                alone.setattr(fit_module, "_workers", lambda *_: nullcontext(None))
                one = fit_out_of_core(MODELS[name](), folder, tmp_path / name, valid=SHARE, **QUIET)
            assert_same(found, one)


@pytest.mark.parametrize("room", [0, 5_000])
def test_blocks_that_find_no_room_are_read_in_every_epoch(
    room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_parts(tmp_path / "parts", ratings())
    one = fit_out_of_core(MODELS["mf_bias"](), folder, tmp_path / "one", valid=SHARE, **QUIET)
    read: list[Block] = []
    from_disk = StrataOnDisk.read_for_shard

    def counted(blocks: StrataOnDisk, block: Block, start: int) -> Triples:
        read.append(block)
        return from_disk(blocks, block, start)

    monkeypatch.setattr(StrataOnDisk, "read_for_shard", counted)
    monkeypatch.setattr(shard, "available_memory", lambda: 2 * (os.cpu_count() or 1) * room)
    with local_pool(1) as workers:
        monkeypatch.setattr(fit_module, "_workers", lambda *_: nullcontext(workers))
        monkeypatch.setattr(estimates, "require_memory_of_workers", lambda *_, **__: None)
        found = fit_out_of_core(
            MODELS["mf_bias"](), folder, tmp_path / "work", valid=SHARE, on=Ray(), **QUIET
        )
    assert_same(found, one)
    assert len(read) > GROUPS**2
    # All of them in each of the four epochs, or some were kept.
    assert (len(read) == 4 * GROUPS**2) == (room == 0)


def test_an_error_of_a_shard_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, work = write_parts(tmp_path / "parts", ratings()), tmp_path / "work"

    def fit(**more: Any) -> None:
        fit_out_of_core(MODELS["mf_bias"](), folder, work, valid=SHARE, **more, **QUIET)

    fit()
    block = work / "strata" / "03-04.bin"
    block.write_bytes(block.read_bytes()[:-1])
    for path in (work / "fit").iterdir():
        path.rename(tmp_path / path.name)
    with local_pool(1) as workers:
        monkeypatch.setattr(fit_module, "_workers", lambda *_: nullcontext(workers))
        monkeypatch.setattr(estimates, "require_memory_of_workers", lambda *_, **__: None)
        with pytest.raises(InputError, match=r"03-04.bin: is incomplete"):
            fit(on=Ray())

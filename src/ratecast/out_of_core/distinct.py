"""Of rows of one pair the last one alone, as every table of one's own is read."""

import shutil

import numpy as np

from ratecast.arrays import I64
from ratecast.compiled import njit
from ratecast.data.notices import Notify
from ratecast.errors import InputError
from ratecast.modelling.contract.rows import counts
from ratecast.out_of_core.ahead import read_ahead
from ratecast.out_of_core.columns import Appender, Array
from ratecast.out_of_core.grouping import ROWS, STAGES, grouped
from ratecast.out_of_core.table import MOVIES, STARS, TIMES, USERS, RowTable, earliest
from ratecast.out_of_core.work_folder import WorkFolder
from ratecast.visible_text import counted

STAGE = "distinct"
# 16 bytes each.
MOST_REPEATS = 50_000_000
_COPIED = ("user.parquet", "movie.parquet", "valid.parquet")


def distinct(work: WorkFolder, table: RowTable, where: str, notify: Notify) -> RowTable:
    """The table without the earlier rows of a pair; these are found in the order of users.

    Raises `InputError` where rows are not in time order, so that the last is not the latest.
    """
    facts = work.done(STAGE)
    if facts is None:
        repeats = _repeats(work, table, where)
        folder = work.begin(STAGE)
        facts = table.facts | {"repeats": len(repeats)}
        if len(repeats):
            # What was grouped from all rows is no more.
            shutil.rmtree(work.stage(STAGES[USERS]))
            facts |= {"rows": _write(work, table, repeats), "moments": facts["moments"]}
            for name in _COPIED:
                shutil.copy(table.folder / name, folder / name)
        work.finish(STAGE, facts)
    if not facts["repeats"]:
        return table
    work.remove(table.folder.name)
    rows = counted(facts["repeats"], "duplicate row")
    notify(f"{where}: {rows}; the latest rating of each user and movie is kept")
    return RowTable(work.stage(STAGE), facts, table.scale)


def _repeats(work: WorkFolder, table: RowTable, where: str) -> I64:
    """A key for each row whose pair comes again, sorted: user << 32 | movie."""
    found, seen = [np.zeros(0, np.int64)], np.full(table.sizes[1], -1, np.int32)
    for (first, _), part in grouped(work, table, USERS).parts(table.stars_of):
        users = np.arange(first, first + len(part.edges) - 1, dtype=np.int32)
        keys = np.empty(len(part.columns), np.int64)
        found.append(keys[: _find(users, part.edges, part.columns, seen, keys)].copy())
    repeats = np.sort(np.concatenate(found))
    if len(repeats) > MOST_REPEATS or (len(repeats) and not table.facts["in_order"]):
        many = counted(len(repeats), "rating")
        reason = "too many" if table.facts["in_order"] else "the rows are not in time order"
        raise InputError(
            f"{where}: {many} of a pair that is rated again, and {reason}; sort the parts by time, "
            "keep the latest rating of each pair, or leave the times out by --no-time"
        )
    return repeats


def _write(work: WorkFolder, table: RowTable, repeats: I64) -> int:
    """Write the columns of the rows that stay, and their counts; how many they are."""
    folder, names = work.stage(STAGE), list(table.columns.types)
    pairs, left = np.unique(repeats, return_counts=True)
    rated = [np.zeros(size, np.int64) for size in table.sizes]
    stars = np.zeros(len(table.scale.stars), np.int64)
    first = np.full(table.sizes[0], np.iinfo(np.int64).max)
    rows = 0

    def read(start: int) -> dict[str, Array]:
        stop = min(start + ROWS, len(table))
        return {name: table.columns.read(name, start, stop) for name in names}

    with Appender(folder, names) as out:
        for piece in read_ahead(range(0, len(table), ROWS), read):
            kept = np.empty(len(piece[USERS]), np.bool_)
            _keep(piece[USERS], piece[MOVIES], (pairs, left), kept)
            piece = {name: column[kept] for name, column in piece.items()}  # noqa: PLW2901
            out.append(*piece.values())
            for side, name in enumerate((USERS, MOVIES)):
                rated[side] += counts(piece[name], len(rated[side]))
            given = table.scale.index(table.scale.clip(table.stars_of(piece[STARS])))
            stars += np.bincount(given, minlength=len(stars))
            if TIMES in piece:
                earliest(piece[USERS], piece[TIMES], first)
            rows += len(piece[USERS])
    np.savez(folder / "counts.npz", users=rated[0], movies=rated[1], stars=stars)
    np.save(folder / "first.npy", first)
    return rows


@njit(cache=True)
def _find(users, edges, movies, seen, keys):  # type: ignore[no-untyped-def]
    """Fill keys with those of rows whose pair came before; how many. seen: last user, (movies,)."""
    count = 0
    for k in range(len(users)):
        for i in range(edges[k], edges[k + 1]):
            if seen[movies[i]] == users[k]:
                keys[count] = np.int64(users[k]) << 32 | np.int64(movies[i])
                count += 1
            seen[movies[i]] = users[k]
    return count


@njit(cache=True)
def _keep(users, movies, repeats, kept):  # type: ignore[no-untyped-def]
    """Whether each row is the last of its pair, (n,). repeats: keys, and rows left to drop."""
    keys, left = repeats
    for i in range(len(users)):
        key = np.int64(users[i]) << 32 | np.int64(movies[i])
        place = np.searchsorted(keys, key)
        dropped = place < len(keys) and keys[place] == key and left[place] > 0
        if dropped:
            left[place] -= 1
        kept[i] = not dropped

"""Splits in files, so that two programs are given the same rows."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from ratecast.atomic_write import write_text
from ratecast.errors import InputError
from ratecast.ratings import MOVIE, USER, Ratings, checked
from ratecast.scale import Scale
from ratecast.splits.split import Split

MANIFEST = "split.json"
FORMS = ("parquet", "csv")
_FORMAT = 1
_PARTS = ("train", "valid", "test")


def is_folder_of_splits(path: str) -> bool:
    """Whether this is a folder that `write_splits` has written."""
    return (Path(path).expanduser() / MANIFEST).is_file()


def write_splits(splits: list[Split], folder: Path | str, form: str = "parquet") -> None:
    """Write the parts of one or more splits into a new folder, and split.json about them.

    Of one split: train, valid and test as files; of several, a folder of these for each, by name.
    form: parquet, or csv, with columns user, movie, rating and, if known, at, in UTC seconds. Side
    information lies beside them as Parquet. Raises `InputError` if the folder has files.

    >>> import ratecast as rc, pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> split = rc.chronological(rc.example_ratings())
    >>> rc.write_splits([split], folder)
    >>> sorted(each.name for each in folder.iterdir())
    ['split.json', 'test.parquet', 'train.parquet', 'valid.parquet']
    """
    folder = Path(folder)
    if isinstance(splits, Split):
        raise InputError("split: one split; give a list, as in [split]")
    if form not in FORMS:
        raise InputError(f"split: form is {form!r}; give {' or '.join(FORMS)}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: is not empty; give a new folder")
    places = [""] if len(splits) == 1 else [file_name(each.name) for each in splits]
    listed = []
    for place, split in zip(places, splits, strict=True):
        (folder / place).mkdir(parents=True, exist_ok=True)
        listed.append(_written(split, folder, place, form))
    for kind, rows in (("movies", splits[0].train.movies), ("users", splits[0].train.users)):
        if rows.height:
            rows.write_parquet(folder / f"{kind}.parquet")
    about = {"format": _FORMAT, "scale": str(splits[0].train.scale), "splits": listed}
    # Last, so that a folder without it is not taken for whole.
    write_text(folder / MANIFEST, json.dumps(about, indent=1) + "\n")


def read_splits(folder: Path | str) -> list[Split]:
    """The splits of a folder that `write_splits` has written.

    Raises `InputError` for a part that was changed since then.

    >>> import ratecast as rc, pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> rc.write_splits(rc.kfold(rc.example_ratings(), 3), folder)
    >>> [len(each.test) for each in rc.read_splits(folder)]
    [500, 500, 500]
    """
    folder = Path(folder)
    path = folder / MANIFEST
    try:
        about = json.loads(path.read_text("utf-8"))
        if about["format"] != _FORMAT:
            raise InputError(f"{path}: format {about['format']} is of another version of ratecast")
        scale = Scale.parse(about["scale"])
        sides = [_side(folder, kind) for kind in ("movies", "users")]
        return [_read(each, folder, scale, sides) for each in about["splits"]]
    except FileNotFoundError as error:
        raise InputError(f"{error.filename or path}: not there; write the split again") from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); write the split again") from None


def _written(split: Split, folder: Path, place: str, form: str) -> dict[str, Any]:
    parts = {}
    for name, part in split.parts.items():
        file = str(Path(place) / f"{name}.{form}")
        if form == "csv":
            part.frame.write_csv(folder / file)
        else:
            part.frame.write_parquet(folder / file)
        parts[name] = {"file": file, "rows": len(part), "sha256": part.fingerprint()}
    train = split.train
    return {
        "name": split.name,
        "separation": split.separation,
        "given": split.given,
        "left_out": split.left_out,
        "borders": {part: [_iso(end) for end in ends] for part, ends in split.borders.items()},
        "remarks": list(split.remarks),
        "continues": split.continues,
        "text_ids": [kind for kind in (USER, MOVIE) if train.frame.schema[kind] == pl.String],
        "parts": parts,
    }


def _read(about: dict[str, Any], folder: Path, scale: Scale, sides: list[pl.DataFrame]) -> Split:
    parts: dict[str, Ratings | None] = dict.fromkeys(_PARTS)
    for name, each in about["parts"].items():
        path = folder / each["file"]
        part = _with_sides(_frame(path, about["text_ids"]), scale, sides, str(path))
        if part.fingerprint() != each["sha256"]:
            raise InputError(f"{path}: was changed since the split was written; write it again")
        parts[name] = part
    train, valid, test = (parts[name] for name in _PARTS)
    if train is None or test is None:
        raise InputError(f"{folder / MANIFEST}: has no train or no test; write the split again")
    borders = {
        part: (_seconds(ends[0]), _seconds(ends[1])) for part, ends in about["borders"].items()
    }
    return Split(
        about["name"], train, valid, test, about["separation"], about["given"], borders,
        about["left_out"], tuple(about["remarks"]), about["continues"],
    )  # fmt: skip


def _frame(path: Path, text_ids: list[str]) -> pl.DataFrame:
    if not path.is_file():
        raise InputError(f"{path}: not there; write the split again")
    try:
        if path.suffix == ".csv":
            return pl.read_csv(path, schema_overrides=dict.fromkeys(text_ids, pl.String))
        return pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        line = str(error).splitlines()[0]
        raise InputError(f"{path}: cannot be read ({line}); write the split again") from None


def _with_sides(
    frame: pl.DataFrame, scale: Scale, sides: list[pl.DataFrame], where: str
) -> Ratings:
    movies, users = sides
    bare = checked(Ratings(frame, scale=scale), where)
    given = {name: rows for name, rows in (("movies", movies), ("users", users)) if rows.height}
    return checked(Ratings(bare.frame, scale=scale, **given), where) if given else bare


def _side(folder: Path, kind: str) -> pl.DataFrame:
    path = folder / f"{kind}.parquet"
    return pl.read_parquet(path) if path.exists() else pl.DataFrame()


def _iso(moment: int | None) -> str | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC).isoformat()


def _seconds(text: str | None) -> int | None:
    return None if text is None else int(datetime.fromisoformat(text).timestamp())


def file_name(text: str) -> str:
    """A name that can be that of a file or a folder."""
    return re.sub(r"[^\w.=+-]+", "_", text).strip("_.") or "_"

"""A model from its artifact: whole, of the settings and arrays that the model has, and no other."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ratecast.artifact import Artifact
from ratecast.errors import InputError
from ratecast.modelling.contract import renamed
from ratecast.modelling.contract.model import Model

TABLES, OPTIONAL = ("users", "movies"), ("unrated_users", "unrated_movies")


def with_new_names(saved: Artifact) -> Artifact:
    """An artifact of version 1 with the names of today; any other as it is."""
    if saved.version != 1:
        return saved
    name = renamed.MODELS.get(saved.meta["model"], saved.meta["model"])
    settings = renamed.settings(name, saved.meta["settings"], quiet=True)
    arrays = renamed.arrays(name, saved.arrays)
    return replace(saved, meta=saved.meta | {"model": name, "settings": settings}, arrays=arrays)


def restored(cls: type[Model], saved: Artifact, folder: Path) -> Model:
    """The model of class `cls` that `saved` holds.

    folder: where it was read, for messages. Raises `InputError` for a setting, an array or a table
    that is missing or that the model does not have, for arrays of fewer lines than there are ids,
    and for whatever else keeps the model from being restored. A release before 0.3 had fewer
    settings and arrays; what its artifacts lack is taken as it was then.
    """
    settings, where = saved.meta["settings"], f"{folder}: model {cls.name}"
    wanted = [field.name for field in fields(cls) if field.init]
    _compare(where, "setting", settings, wanted, whole=saved.sealed)
    _compare(where, "table", saved.tables, [*TABLES, *(saved.tables.keys() & OPTIONAL)], whole=True)
    try:
        model = cls(**settings).restore(saved)
        model.counts.grow(len(model.users), len(model.movies))
        model.grow()
        arrays = model.all_arrays()
    except InputError as error:
        raise InputError(f"{folder}: {error}") from None
    except KeyError as error:
        raise InputError(f"{where} has no array {error}; train again") from None
    except MemoryError:
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"{where} cannot be restored ({reason}); train again") from error
    if saved.sealed:
        _compare(where, "array", saved.arrays, arrays, whole=True)
        _compare_shapes(where, saved.arrays, arrays)
    return model


def _compare(
    where: str, what: str, found: Iterable[str], wanted: Iterable[str], *, whole: bool
) -> None:
    """Raise `InputError` for a name that is not wanted, and, of a whole artifact, a missing one."""
    found, wanted = set(found), set(wanted)
    for name in sorted(found - wanted):
        raise InputError(f"{where} has no {what} {name!r}; train again")
    for name in sorted(wanted - found) if whole else ():
        raise InputError(f"{where}: its {what} {name!r} is missing; train again")


def _compare_shapes(
    where: str, found: Mapping[str, NDArray[Any]], grown: Mapping[str, NDArray[Any]]
) -> None:
    """Raise `InputError` where an array had to grow to have a line for each id."""
    for name, array in found.items():
        if array.shape != grown[name].shape:
            raise InputError(
                f"{where}: array {name!r} is {array.shape}, not {grown[name].shape}; train again"
            )

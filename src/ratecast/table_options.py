"""How a table of your own is read: one set of options, for every command and for `load`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ratecast.errors import InputError

# Those that say how a file is laid out; an edition or a table of ratecast's own has its layout.
_FILE = ("header", "separator", "encoding", "glob")
_LAYOUT = ("columns", "time_format", "wide", "leave_out", *_FILE)
# Those that are pairs of a role and a column.
_PAIRS = ("columns", "item_columns", "user_columns")
_TEXTS = (*_PAIRS, "time_format", "separator", "encoding", "leave_out")
_SEPARATORS = {"tab": "\t", "space": " ", "\\t": "\t"}


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """How a table of your own is read, where that is not recognised.

    Args:
        columns: which column has which role, if the names are not recognised: roles are user,
            movie, rating and at (the time), as in movie=film,rating=score, or by number from 1, as
            in user=1,movie=2,rating=5; further columns of a movie or user as in movie.price=cost.
        scale: the ratings that are possible, as lowest:highest:step, or lowest:highest:continuous;
            inferred from the ratings if it is not given.
        missing: values that stand for "not rated", as in 0 or -1,99; their rows are left out. NA
            stands for every cell without a value: empty, null, NaN or NA.
        time_format: how times are written, if that is not recognised, in the codes of strftime, as
            in %d.%m.%Y %H:%M.
        no_time: leave the times out; the table is then split at random.
        header: yes or no, whether the first line of a text file has the column names; recognised if
            it is not given.
        separator: what is between the fields of a text file, one or two characters, tab or space;
            recognised if it is not given.
        encoding: of a text file, as in utf-16 or latin-1; utf-8, if it has no mark of another.
        wide: the table has a row for each user and a column for each movie; the users are in the
            first column, or give user=NAME by --columns, or user=rows to number them.
        leave_out: columns of a wide table that are no movies, by name or number, as in count,total.
        glob: the path is a pattern, as in "ratings-*.csv"; the files are parts of one table.
        items: files of what else is known of the movies, such as genres or prices, a row for each;
            CSV, Parquet or another form, several separated by commas.
        users: the same for the users.
        item_columns: which column of that file of items is which, if the names are not recognised,
            as in movie=film_id,title=name, or by number, as in movie=1,title=2,genres=3.
        user_columns: the same for the file of users, as in user=1,country=2.
    """

    columns: str | dict[str, str] | None = None
    scale: str | None = None
    missing: str | None = None
    time_format: str | None = None
    no_time: bool = False
    header: bool | None = None
    separator: str | None = None
    encoding: str | None = None
    wide: bool = False
    leave_out: str | None = None
    glob: bool = False
    items: str | None = None
    users: str | None = None
    item_columns: str | dict[str, str] | None = None
    user_columns: str | dict[str, str] | None = None

    @property
    def separator_characters(self) -> str | None:
        """The separator itself, if it is given."""
        if self.separator is None:
            return None
        characters = _SEPARATORS.get(self.separator, self.separator)
        if len(characters) not in (1, 2) or set(characters) & set('\r\n"\x1f'):
            raise InputError(
                f"separator {self.separator!r}: give one or two characters, as in ; or ::, "
                "or tab or space"
            )
        return characters

    @property
    def roles(self) -> dict[str, str]:
        """Role to column name, as given."""
        return _pairs(self.columns, "columns")

    def side_columns(self, option: str) -> dict[str, str]:
        """Name to column of the items or the users, as given. option: `item_columns`, or of users.

        Raises `InputError` for something else than pairs.
        """
        return _pairs(getattr(self, option), option)

    @property
    def missing_values(self) -> tuple[str, ...]:
        """The values that stand for "not rated", numbers or text, as given."""
        return () if self.missing is None else tuple(v.strip() for v in self.missing.split(","))

    @property
    def names_left_out(self) -> list[str]:
        """The columns of a wide table to leave out, by name or number."""
        return [name.strip() for name in self.leave_out.split(",")] if self.leave_out else []

    def check(self) -> None:
        """Raise `InputError` for an option of a wrong type, or one without an effect here."""
        for name in _TEXTS:
            value = getattr(self, name)
            if not isinstance(value, str | Mapping | None if name in _PAIRS else str | None):
                what = "text or a mapping" if name in _PAIRS else "text"
                raise InputError(f"{name}: {value!r} is {type(value).__name__}; give {what}")
        if self.leave_out is not None and not self.wide:
            raise InputError(
                "--leave-out is of wide tables; give --wide too, or remove it: columns without a "
                "role are not used anyway (leave_out= and wide=True in Python)"
            )

    def plain(self) -> dict[str, Any]:
        """The options that are not at their default, for YAML or JSON."""
        return {k: v for k, v in asdict(self).items() if v != getattr(DEFAULT, k)}

    def words(self) -> list[str]:
        """The options as on a command line."""
        plain = self.plain()
        for name in [name for name in _PAIRS if name in plain]:
            pairs = _pairs(plain.pop(name), name)
            plain[name] = ",".join(f"{role}={column}" for role, column in pairs.items())
        return [f"--{name.replace('_', '-')}={value}" for name, value in plain.items()]

    def refuse_layout(self, source: str) -> None:
        """Raise `InputError` if an option says how a table is laid out: `source` has its layout."""
        self._refuse(_LAYOUT, source, "a table file")

    def refuse_file(self, source: str) -> None:
        """Raise `InputError` if an option says how a file is laid out: `source` is in memory."""
        self._refuse(_FILE, source, "a file")

    def _refuse(self, options: tuple[str, ...], source: str, what: str) -> None:
        given = [name for name in options if name in self.plain()]
        if given:
            names = " and ".join(f"--{name.replace('_', '-')}" for name in given)
            are = "is" if len(given) == 1 else "are"
            raise InputError(f"{source}: {names} {are} of {what} only; remove {names}")


OPTIONS = tuple(field.name for field in fields(TableOptions))
FLAGS = tuple(field.name for field in fields(TableOptions) if field.type is bool)


DEFAULT = TableOptions()


def _pairs(given: str | Mapping[str, str] | None, option: str) -> dict[str, str]:
    """The pairs of an option, as a mapping or in words. Raises `InputError` for something else."""
    if isinstance(given, Mapping):
        # Names of a pandas frame may be numbers.
        return {role: str(name) for role, name in given.items()}
    pairs = [_role(pair, option) for pair in given.split(",")] if given else []
    roles = dict(pairs)
    if len(roles) < len(pairs):
        raise InputError(f"{option}: {given!r} has a role twice; give one column for each")
    return roles


def _role(pair: str, option: str) -> tuple[str, str]:
    role, equals, name = pair.partition("=")
    if not (role and equals and name):
        raise InputError(f"{option}: {pair!r} is not role=name; write it as in movie=film")
    return role, name

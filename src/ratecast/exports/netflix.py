"""Netflix: Ratings.csv of the account export. Stars were given until 2017, thumbs after that."""

import shlex

from ratecast.errors import InputError
from ratecast.exports.export import Collector, Entry, Export
from ratecast.exports.sheet import Row, Sheet, iso_time
from ratecast.ratings import Scale

SOURCE = "Netflix"
_PROFILE = "Profile Name"
_NONE = ("0", "0.0")


class ProfileNeededError(InputError):
    """An export has several profiles, and none was chosen."""

    def __init__(self, message: str, profiles: list[str]) -> None:
        super().__init__(message)
        self.profiles = profiles


def read(sheet: Sheet, profile: str | None) -> Export:
    """The stars of one profile; `profile` must be given if the file has several.

    A title has no year, and nothing separates films from series.
    """
    rows = list(sheet.rows())
    names = list(dict.fromkeys(row.text(_PROFILE) for row in rows))
    listed = ", ".join(names) or "none"
    if profile is None and len(names) > 1:
        raise ProfileNeededError(
            f"{sheet.where}: has the ratings of {len(names)} profiles of a Netflix account, "
            f"{listed}; choose yours, as in --profile {shlex.quote(names[0])}",
            names,
        )
    if profile is not None and profile not in names:
        raise InputError(
            f"{sheet.where}: no profile {profile!r} in this Netflix account; give one of: {listed}"
        )
    collector = Collector(SOURCE, Scale(1, 5), sheet.where)
    collector.advice = "rate movies by hand, or give the file of another site"
    for row in rows:
        if profile is not None and row.text(_PROFILE) != profile:
            collector.leave_out("of other profiles")
        elif _is_thumb(row):
            collector.leave_out("with thumbs, which cannot be read as stars")
        else:
            _add(collector, row)
    return collector.result()


def _is_thumb(row: Row) -> bool:
    kind = row.text("Rating Type").lower()
    stars, thumbs = row.text("Star Value"), row.text("Thumbs Value")
    return kind.startswith("thumb") or (stars in ("", *_NONE) and thumbs not in ("", *_NONE))


def _add(collector: Collector, row: Row) -> None:
    rating = collector.stars(row.location, row.text("Star Value"))
    if rating is not None:
        title, at = row.text("Title Name"), collector.time(iso_time, row.text("Event Utc Ts"))
        collector.add(Entry(title, title, rating, at))

"""Netflix: Ratings.csv of the account export. Stars were given until 2017, thumbs after that."""

from ratecast.errors import InputError
from ratecast.exports.export import Collector, Entry, Export
from ratecast.exports.sheet import Row, Sheet, iso_time
from ratecast.ratings import Scale

COLUMNS = ("Profile Name", "Title Name", "Rating Type", "Star Value", "Event Utc Ts")
_PROFILE = "Profile Name"
_NONE = ("0", "0.0")


def read(sheet: Sheet, profile: str | None) -> Export:
    """The stars of one profile; `profile` must be given if the file has several.

    A title has no year, and nothing separates films from series.
    """
    rows = list(sheet.rows())
    names = list(dict.fromkeys(row.text(_PROFILE) for row in rows))
    if profile is None and len(names) > 1:
        raise InputError(
            f"{sheet.where}: ratings of {len(names)} profiles; give one as profile: "
            f"{', '.join(names)}"
        )
    if profile is not None and profile not in names:
        raise InputError(
            f"{sheet.where}: no profile {profile!r}; profiles are {', '.join(names) or 'none'}"
        )
    collector = Collector("Netflix", Scale(1, 5), sheet.where)
    for row in rows:
        if profile is not None and row.text(_PROFILE) != profile:
            collector.leave_out("of other profiles")
        elif _is_thumb(row):
            collector.leave_out("with thumbs, which are no stars")
        else:
            _add(collector, row)
    return collector.result()


def _is_thumb(row: Row) -> bool:
    kind = row.text("Rating Type").lower()
    stars, thumbs = row.text("Star Value"), row.text("Thumbs Value")
    return kind.startswith("thumb") or (stars in ("", *_NONE) and thumbs not in ("", *_NONE))


def _add(collector: Collector, row: Row) -> None:
    rating = collector.stars(row.location, row.text("Star Value"), _NONE)
    if rating is not None:
        title, at = row.text("Title Name"), iso_time(row.text("Event Utc Ts"))
        collector.add(Entry(title, title, rating, at))

"""Data: editions of MovieLens and your own tables, read into one form.

Names are imported when they are first used: a fitted model has tables of its own in hand, and the
readers of files take longer to import than its forecast takes.
"""

from typing import TYPE_CHECKING

from ratecast.lazy_names import LazyNames

if TYPE_CHECKING:
    from ratecast.data.cache import home as home
    from ratecast.data.editions import CITATION as CITATION
    from ratecast.data.editions import EDITIONS as EDITIONS
    from ratecast.data.editions import Edition as Edition
    from ratecast.data.editions import edition_of as edition_of
    from ratecast.data.loading import is_own_table as is_own_table
    from ratecast.data.loading import load as load
    from ratecast.data.loading import load_table as load_table
    from ratecast.data.sources import fetch as fetch
    from ratecast.data.summary import describe as describe

_PLACES = {
    "cache": ["home"],
    "editions": ["CITATION", "EDITIONS", "Edition", "edition_of"],
    "loading": ["is_own_table", "load", "load_table"],
    "sources": ["fetch"],
    "summary": ["describe"],
}
_NAMES = LazyNames(__name__, _PLACES)

__all__ = sorted(_NAMES.names)  # noqa: PLE0605


if not TYPE_CHECKING:
    __getattr__ = _NAMES.imported

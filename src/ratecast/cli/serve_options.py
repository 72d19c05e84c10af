"""The options of `ratecast serve` that say who may do what, and what the page shows."""

from dataclasses import dataclass
from pathlib import Path

from ratecast.errors import InputError


@dataclass(frozen=True, kw_only=True)
class AccessOptions:
    """Who may do what, and through which proxy.

    Args:
        token: service token that writes must carry, 16 characters or more; all users of this
            machine can see it here, so rather use the file or RATECAST_TOKEN.
        token_file: file with the service token, which only its owner may read, as made by
            (umask 077; openssl rand -hex 32 > token.txt); default: RATECAST_TOKEN, or the file that
            RATECAST_TOKEN_FILE names.
        private: forecasts of a user need the token of that user or of the service too.
        insecure: allow remote clients without a token.
        rate_limit: requests per second and client, 0 for no limit; default for remote clients: 50.
        proxy: addresses or networks of the proxies in front, as in 127.0.0.1,10.0.0.0/8; their
            headers X-Forwarded-For, -Proto, -Host and -Prefix hold, and no others.
        root_path: path under which a proxy has the service, as in /ratecast; default: what
            X-Forwarded-Prefix says, or none.
    """

    token: str | None = None
    token_file: Path | None = None
    private: bool = False
    insecure: bool = False
    rate_limit: float | None = None
    proxy: str | None = None
    root_path: str | None = None


@dataclass(frozen=True, kw_only=True)
class PageOptions:
    """What the page shows.

    Args:
        item_word: what the page calls an item of the table, as in book, or with its plural as in
            person/people; default: as the table's column, such as book_id, else movie.
        comparison: folder that ratecast compare wrote, of the table in service; the page shows its
            scores.
    """

    item_word: str | None = None
    comparison: Path | None = None


OPEN, PLAIN = AccessOptions(), PageOptions()


def service_home(home: Path | None) -> Path:
    """The service's folder: the given one, or `service` in RATECAST_HOME."""
    from ratecast.data import home as data_home

    folder = (data_home() / "service" if home is None else home).expanduser()
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; give the folder of a service as --home")
    return folder

"""Who may do what: a service token that may do everything, and for each user a token of their own.

A user's token is the HMAC-SHA256 of the id under a secret that lies beside the store, so that none
has to be kept. (RFC 2104; compared in constant time.)
"""

import base64
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from ratecast.errors import InputError
from ratecast.serving.errors import Forbidden, Unauthorized

BEARER = "bearer "


@dataclass(frozen=True)
class Access:
    """token: of the service; without one everything is open, which suits one's own machine."""

    token: str | None
    secret: bytes

    def user_token(self, user: object) -> str:
        """The token with which a user reads and changes what is theirs, and nothing else."""
        mac = hmac.new(self.secret, f"{type(user).__name__}:{user}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(mac.digest()).decode().rstrip("=")

    def check(self, header: str | None, user: object = None) -> None:
        """Whether the Authorization header may act for the user, or without one for the service.

        Raises `Unauthorized` or `Forbidden`.
        """
        if self.token is None:
            return
        if header is None or not header.lower().startswith(BEARER):
            raise Unauthorized("send the header Authorization: Bearer TOKEN")
        given = header[len(BEARER) :].strip()
        if _same(given, self.token):
            return
        if user is None or not _same(given, self.user_token(user)):
            raise Forbidden("this token does not allow it")


def secret_of(folder: Path) -> bytes:
    """The secret kept in `folder`, drawn when it is first asked for; nobody else may read it."""
    file = folder / "secret"
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        kept = bytes.fromhex(file.read_text().strip())
        if file.stat().st_mode & 0o077:
            raise InputError(f"{file}: others can read it; chmod 600 {file}") from None
        return kept
    fresh = secrets.token_bytes(32)
    with os.fdopen(handle, "w") as out:
        out.write(fresh.hex() + "\n")
    return fresh


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())

"""Bearer tokens: a service token that allows everything, and one token per user.

A user's token is the HMAC-SHA256 (RFC 2104) of the id, with a secret in a file beside the store, so
that no token is stored. Tokens are compared in constant time.
"""

import base64
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from ratecast.errors import InputError
from ratecast.serving.errors import ForbiddenError, UnauthorizedError

BEARER = "bearer "


@dataclass(frozen=True)
class Access:
    """token: the service token; None allows every request. secret: key of the users' tokens."""

    token: str | None
    secret: bytes

    def user_token(self, user: object) -> str:
        """The token that allows reading and changing the data of this user only."""
        mac = hmac.new(self.secret, f"{type(user).__name__}:{user}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(mac.digest()).decode().rstrip("=")

    def check(self, header: str | None, user: object = None) -> None:
        """Check the Authorization header: for this user, or for the whole service if None.

        Raises `UnauthorizedError` or `ForbiddenError`.
        """
        if self.token is None:
            return
        if header is None or not header.lower().startswith(BEARER):
            raise UnauthorizedError("send the header Authorization: Bearer TOKEN")
        token = header[len(BEARER) :].strip()
        if _same(token, self.token):
            return
        if user is None or not _same(token, self.user_token(user)):
            raise ForbiddenError("this token does not allow it")


def signing_secret(folder: Path) -> bytes:
    """The secret in `folder`, created at random on the first call.

    Raises `InputError` if other users of the machine can read the file.
    """
    file = folder / "secret"
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        secret = bytes.fromhex(file.read_text().strip())
        if file.stat().st_mode & 0o077:
            raise InputError(f"{file}: other users can read it; chmod 600 {file}") from None
        return secret
    secret = secrets.token_bytes(32)
    with os.fdopen(handle, "w") as out:
        out.write(secret.hex() + "\n")
    return secret


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())

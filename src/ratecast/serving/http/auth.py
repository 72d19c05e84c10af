"""Bearer tokens: a service token that allows everything, and one token per user.

A user's token is the HMAC-SHA256 (RFC 2104) of the id, with a secret in a file beside the store, so
that no token is stored. Tokens are compared in constant time.
"""

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request

from ratecast.errors import InputError
from ratecast.serving.errors import ForbiddenError, UnauthorizedError
from ratecast.systems import others_may_read

BEARER = "bearer "
TOKEN, TOKEN_FILE = "RATECAST_TOKEN", "RATECAST_TOKEN_FILE"


@dataclass(frozen=True)
class Access:
    """Who may do what.

    token: the service token; None allows every request. secret: key of the users' tokens. private:
    whether forecasts of a user need a token too.
    """

    token: str | None
    secret: bytes
    private: bool = False

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

    def token_of(self, user: object) -> str | None:
        """The token of a new user; None where none is needed."""
        return None if self.token is None else self.user_token(user)


def check(request: Request, user: object = None) -> None:
    """Check the token of a request: for this user, or for the whole service if None.

    Raises `UnauthorizedError` or `ForbiddenError`.
    """
    access: Access = request.app.state.access
    access.check(request.headers.get("authorization"), user)


def check_forecasts(request: Request, users: Iterable[object]) -> None:
    """Check that a request may read forecasts of these users, as it may without `private`."""
    if request.app.state.access.private:
        for user in set(users):
            check(request, user)


def service_token(
    token: str | None, file: Path | None, environment: Mapping[str, str], verb: str = "serve"
) -> str | None:
    """The service token as it is given, from a file, or else from the environment; None for none.

    verb: of the command line, for messages. Raises `InputError` if it is given twice, or for a file
    that other users can read.
    """
    if token is None and file is None:
        token, named = environment.get(TOKEN) or None, environment.get(TOKEN_FILE)
        file = Path(named) if named else None
        names = f"{TOKEN} and {TOKEN_FILE}"
    else:
        names = "--token and --token-file"
    if token is not None and file is not None:
        raise InputError(f"{verb}: {names} are both given; leave one out")
    return token if file is None else _token_in(file.expanduser())


def _token_in(file: Path) -> str:
    try:
        with file.open(encoding="utf-8") as opened:
            _refuse_shared(file, os.fstat(opened.fileno()).st_mode)
            token = opened.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not UTF-8"
        raise InputError(f"{file}: {reason}; give a file that has the token alone") from None
    if not token:
        raise InputError(f"{file}: is empty; write the token into it")
    return token


def signing_secret(folder: Path) -> bytes:
    """The secret in `folder`, created at random on the first call.

    Raises `InputError` if other users of the machine can read the file.
    """
    file = folder / "secret"
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        secret = bytes.fromhex(file.read_text().strip())
        _refuse_shared(file, file.stat().st_mode)
        return secret
    secret = secrets.token_bytes(32)
    with os.fdopen(handle, "w") as out:
        out.write(secret.hex() + "\n")
    return secret


def _refuse_shared(file: Path, mode: int) -> None:
    if others_may_read(mode):
        raise InputError(f"{file}: other users can read it; chmod 600 {file}") from None


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())

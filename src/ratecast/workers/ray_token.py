"""What is wrong with the token of a connection to a Ray cluster."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

# As the head answers a wrong token, and one that was not given.
_REFUSED = "InvalidAuthToken"


@contextmanager
def kept_stderr(printed: list[str]) -> Iterator[None]:
    """Add to `printed` the lines that are written on stderr in the block; none is printed.

    Ray's own code, which is not Python, prints one at each attempt, and says nowhere else why.
    """
    sys.stderr.flush()
    own = os.dup(2)
    with tempfile.TemporaryFile() as lines:
        os.dup2(lines.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(own, 2)
            os.close(own)
            lines.seek(0)
            printed += lines.read().decode("utf-8", "replace").splitlines()


def token_fault(address: str, error: BaseException, printed: list[str]) -> str:
    """What a user does where a connection failed for its token; empty where that is not why.

    printed: by Ray meanwhile.
    """
    from ray import exceptions

    if isinstance(error, exceptions.AuthenticationError):
        fault = "this machine has none"
    elif not any(_REFUSED in line for line in printed):
        return ""
    elif os.environ.get("RAY_AUTH_MODE", "").lower() == "token":
        fault = "that of this machine is another one"
    else:
        return (
            f"ray: {address} asks for a token; set RAY_AUTH_MODE=token, and give this machine the "
            "token of the head (ray get-auth-token there) as ~/.ray/auth_token"
        )
    return (
        f"ray: {address} asks for a token, and {fault}; give it the one of the head (ray "
        "get-auth-token there) as ~/.ray/auth_token, or unset RAY_AUTH_MODE where the cluster has "
        "none"
    )

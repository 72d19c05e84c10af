"""What the service refuses, or cannot do just now."""


class Refusal(Exception):  # noqa: N818 - not an error of the service's
    """A request that is not served: its HTTP status, what is wrong, and which field is to blame."""

    status = 422
    title = "The request cannot be understood"

    def __init__(self, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail, self.field = detail, field


class Malformed(Refusal):
    """A value that can never be right."""


class Unknown(Refusal):
    """Nothing of that name is here."""

    status, title = 404, "Not found"


class Unsupported(Refusal):
    """The model that serves cannot do this; another could."""

    status, title = 409, "The model cannot do this"


class Forbidden(Refusal):
    """Not with this token."""

    status, title = 403, "Not allowed"


class Unauthorized(Refusal):
    """Not without a token."""

    status, title = 401, "A token is needed"


class Later(Refusal):
    """Not now: ask again after `seconds`."""

    status, title, seconds = 503, "Not available now", 2


class TooMany(Later):
    """Too many requests by one client."""

    status, title, seconds = 429, "Too many requests", 1

"""The error for refused input."""

# Wording of the argument parser, and the plainer wording of ratecast.
_WORDING = {
    "Parser key ": "key ",
    "typing.Literal": "one of ",
    "<class '": "",
    "'>": "",
    "Expected a ": "expected ",
    ". Got value: ": ", got ",
}


class InputError(Exception):
    """Refused input, in one line: where it is, what is wrong, and what to do.

    The command line prints the line and exits with code 2; a program catches the class.
    """


class NotFittedError(InputError, AttributeError):
    """A model that was used before it was fitted or loaded.

    Also an `AttributeError`, since what a fit makes is not there yet.
    """


def in_one_line(error: Exception) -> str:
    """The message of the argument parser, on one line and in plainer words."""
    text = " ".join(str(error).split())
    for technical, plain in _WORDING.items():
        text = text.replace(technical, plain)
    return text

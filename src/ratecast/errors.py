"""The one error that ratecast raises for input it refuses."""

_WORDS = {
    "Parser key ": "key ",
    "typing.Literal": "one of ",
    "<class '": "",
    "'>": "",
    "Expected a ": "expected ",
    ". Got value: ": ", got ",
}


class InputError(Exception):
    """Input that is refused, in one line: what is wrong, where, and what to do about it.

    The command line prints the line and exits with code 2; a program catches the class.
    """


class NotFittedError(InputError):
    """A model that was asked before it was fitted or loaded."""


def in_one_line(error: Exception) -> str:
    """What the parser of the command line says, on one line and in a person's words."""
    text = " ".join(str(error).split())
    for theirs, ours in _WORDS.items():
        text = text.replace(theirs, ours)
    return text

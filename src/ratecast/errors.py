"""The error for refused input."""

from collections.abc import Iterable


class InputError(Exception):
    """Refused input, in one line: where it is, what is wrong, and what to do.

    The command line prints the line and exits with code 2; a program catches the class.
    """


class MissingPackageError(InputError):
    """A package of an extra that is not installed, with the command that installs it."""


class NotFittedError(InputError, AttributeError):
    """A model that was used before it was fitted or loaded.

    Also an `AttributeError`, since what a fit makes is not there yet.
    """


def choice(name: str, known: Iterable[str], lead: str = "choose one of") -> str:
    """The end of a message for an unknown name: the most similar one, else all `known` ones."""
    names = list(known)
    near = nearest(name, names)
    return f"did you mean {near}?" if near else f"{lead} {', '.join(names)}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The only one of `known` that begins with `name`, else the one of the most similar spelling.

    None if nothing is similar. Dashes before an option, and capital letters, do not count.
    """
    from difflib import get_close_matches

    compared = {_bare(other): other for other in known}
    bare = _bare(name)
    begun = [other for other in compared if bare and other.startswith(bare)]
    near = begun if len(begun) == 1 else get_close_matches(bare, compared, n=1)
    return compared[near[0]] if near else None


def _bare(name: str) -> str:
    return name.lstrip("-").lower()

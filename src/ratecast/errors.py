"""The one error that ratecast raises for input it refuses."""


class InputError(Exception):
    """Input that is refused, in one line: what is wrong, where, and what to do about it.

    The command line prints the line and exits with code 2; a program catches the class.
    """

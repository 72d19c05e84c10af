"""Where files are to be written: a place that cannot be is refused before long work begins."""

import tempfile
from pathlib import Path

from ratecast.errors import InputError

HTML, YAML = (".html", ".htm"), (".yaml", ".yml")


def check_file(path: Path, forms: tuple[str, ...] = ()) -> None:
    """Raise `InputError` where no file can be written.

    forms: the endings that its name may have; by default any.
    """
    if forms and path.suffix.lower() not in forms:
        raise InputError(f"{path}: unknown form of a file; end the name in {' or '.join(forms)}")
    try:
        if path.exists() and not path.is_file():
            kind = "a folder" if path.is_dir() else "no plain file"
            raise InputError(f"{path}: is {kind}; give the name of a file")
        _check_parents(path)
    except OSError as error:
        raise _refused(path, error) from None


def check_apart(path: Path, *others: Path | str | None) -> None:
    """Raise `InputError` where what is read, or written too, would be lost by writing `path`.

    others: files, or None; names of editions may be among them.
    """
    same = path.expanduser().resolve()
    if any(Path(one).expanduser().resolve() == same for one in others if one is not None):
        raise InputError(f"{path}: is read or written too, and would be lost; give another name")


def check_folder(path: Path) -> None:
    """Raise `InputError` where no folder can be made, or nothing can be written into it."""
    try:
        # Of any name in it.
        _check_parents(path / "file")
    except OSError as error:
        raise _refused(path, error) from None


def _check_parents(path: Path) -> None:
    """Write an empty file, as it is written before it gets its name, and remove it."""
    parent = next(each for each in path.absolute().parents if each.exists())
    if not parent.is_dir():
        raise InputError(f"{parent}: is a file, and no folder; give another path")
    with tempfile.NamedTemporaryFile(prefix=f".{path.name}-", dir=parent):
        pass


def _refused(path: Path, error: OSError) -> InputError:
    return InputError(f"{path}: cannot be written ({error.strerror or error}); give another path")

"""Extracts files from an untrusted zip archive (a wheel is one too)."""

import shutil
import stat
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from ratecast.errors import InputError
from ratecast.resources import require_disk

_CHUNK = 1 << 20
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


def extract(archive: Path, names: Collection[str], target: Path, most_bytes: int) -> None:
    """Write the members with these file names into `target`, without their folders.

    Raises `InputError`, before anything is written, if any member points outside the folder or is
    a link, if one of the names occurs twice, or if the members exceed `most_bytes` together.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = _selected(archive, opened.infolist(), names)
            size = sum(member.file_size for member in members)
            if size > most_bytes:
                raise _too_big(archive, most_bytes)
            require_disk(target, size, f"{archive}: unpacking")
            for member in members:
                _write(opened, member, target / PurePosixPath(member.filename).name)
    except _BROKEN as error:
        raise InputError(
            f"{archive}: truncated or corrupt archive ({error}); download it again"
        ) from None
    except OSError as error:
        raise InputError(
            f"{archive}: cannot be unpacked into {target} ({error.strerror or error}); "
            "check the file and the free disk space"
        ) from None


def names(archive: Path) -> list[str]:
    """File names of the members, without folders."""
    try:
        with zipfile.ZipFile(archive) as opened:
            return [PurePosixPath(name).name for name in opened.namelist()]
    except (*_BROKEN, OSError) as error:
        raise InputError(
            f"{archive}: not a zip archive, truncated or corrupt ({error}); download it again"
        ) from None


def _selected(
    archive: Path, members: list[zipfile.ZipInfo], names: Collection[str]
) -> list[zipfile.ZipInfo]:
    for member in members:
        if _points_outside(member.filename):
            raise InputError(
                f"{archive}: member {member.filename!r} points outside the folder; "
                "get the archive from its publisher"
            )
        if stat.S_ISLNK(member.external_attr >> 16):
            raise InputError(
                f"{archive}: member {member.filename!r} is a link; "
                "get the archive from its publisher"
            )
    selected = [m for m in members if not m.is_dir() and PurePosixPath(m.filename).name in names]
    selected_names = [PurePosixPath(member.filename).name for member in selected]
    for name in selected_names:
        if selected_names.count(name) > 1:
            raise InputError(f"{archive}: holds {name} twice; unpack it and give one folder")
    return selected


def _points_outside(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or ":" in path.parts[0] if path.parts else True


def _write(opened: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> None:
    # zipfile stops at the size that the archive's directory declares, which is limited above.
    with opened.open(member) as source, path.open("xb") as sink:
        shutil.copyfileobj(source, sink, _CHUNK)


def _too_big(archive: Path, most_bytes: int) -> InputError:
    return InputError(
        f"{archive}: unpacks to more than {most_bytes >> 20} MiB; get it from its publisher"
    )

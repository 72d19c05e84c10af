"""Take wanted files out of a zip archive (a wheel is one) that is not to be trusted."""

import shutil
import stat
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from ratecast.errors import InputError
from ratecast.resources import on_disk

_CHUNK = 1 << 20
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


def extract(archive: Path, wanted: Collection[str], target: Path, most_bytes: int) -> None:
    """Write the members whose file name is `wanted` into `target`, flat.

    The whole archive is refused where one member points outside or is a link, where a wanted
    name occurs twice, and where the wanted members are more than `most_bytes` together.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = _wanted(archive, opened.infolist(), wanted)
            size = sum(member.file_size for member in members)
            if size > most_bytes:
                raise _too_big(archive, most_bytes)
            on_disk(target, size, f"{archive}: unpacking")
            for member in members:
                _write(opened, member, target / PurePosixPath(member.filename).name)
    except _BROKEN as error:
        raise InputError(
            f"{archive}: truncated or corrupt archive ({error}); download it again"
        ) from None
    except OSError as error:
        raise InputError(
            f"{archive}: cannot be unpacked into {target} ({error.strerror or error}); "
            "check the file and the space on the disk"
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


def _wanted(
    archive: Path, members: list[zipfile.ZipInfo], wanted: Collection[str]
) -> list[zipfile.ZipInfo]:
    for member in members:
        if _points_outside(member.filename):
            raise InputError(
                f"{archive}: member {member.filename!r} would land outside the folder; "
                "get the archive from its publisher"
            )
        if stat.S_ISLNK(member.external_attr >> 16):
            raise InputError(
                f"{archive}: member {member.filename!r} is a link; get it from its publisher"
            )
    picked = [m for m in members if not m.is_dir() and PurePosixPath(m.filename).name in wanted]
    found = [PurePosixPath(member.filename).name for member in picked]
    for name in found:
        if found.count(name) > 1:
            raise InputError(f"{archive}: {name} is there twice; unpack it and give one folder")
    return picked


def _points_outside(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or ":" in path.parts[0] if path.parts else True


def _write(opened: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> None:
    # zipfile stops at the size that the directory of the archive declares, which is bounded.
    with opened.open(member) as source, path.open("xb") as sink:
        shutil.copyfileobj(source, sink, _CHUNK)


def _too_big(archive: Path, most_bytes: int) -> InputError:
    return InputError(
        f"{archive}: unpacks to more than {most_bytes >> 20} MiB; get it from its publisher"
    )

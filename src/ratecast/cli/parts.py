"""Tables that a verb writes to a folder of parts."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratecast.cli.places import PlaceOptions
from ratecast.errors import InputError

if TYPE_CHECKING:
    from ratecast.parted_table import Part
    from ratecast.workers import Place


def place_of_parts(verb: str, out: Path, options: PlaceOptions) -> "Place | None":
    """Where the parts of the folder `out` are made; None where `out` is one file, or stdout.

    Raises `InputError` for workers and one file, and for a folder with other files.
    """
    from ratecast.parted_table import check_free, is_folder_name
    from ratecast.workers import LOCAL

    place = options.place(verb)
    if is_folder_name(out):
        check_free(out)
        return place
    if place != LOCAL:
        given = "--on ray" if options.on == "ray" else "--workers"
        raise InputError(
            f"{verb}: {given} writes a folder of parts, and {out} is one file; give --out a name "
            f"without an ending, as in --out {Path(out.name).stem if out.suffix else verb}"
        )
    return None


def written(out: Path, parts: "list[Part]") -> dict[str, Any]:
    """What a verb says of a folder of parts."""
    return {"out": out, "rows": sum(part.rows for part in parts), "parts": len(parts)}

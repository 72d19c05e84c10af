"""The editions of MovieLens: address, checksum, layout and scale of each."""

from dataclasses import dataclass

from ratecast.errors import InputError, choice
from ratecast.ratings import Scale

SITE = "https://files.grouplens.org/datasets/movielens"
CITATION = (
    "F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. "
    "ACM Transactions on Interactive Intelligent Systems (TiiS) 5, 4, Article 19. "
    "https://doi.org/10.1145/2827872"
)
LICENCE = (
    "for research; no commercial use without permission, no redistribution unless the text of the "
    "edition allows it, no endorsement implied, cite the paper"
)
WHOLE, HALF = Scale(1, 5), Scale(0.5, 5, 0.5)


@dataclass(frozen=True)
class Edition:
    """One published edition.

    layout: the ratings file by which its layout is recognised. md5: of the archive; None if it is
    published only online, beside the archive. most_bytes: limit of the extracted size.
    merge_same_title: movies of the same title become one movie, under the smallest of their ids.
    """

    name: str
    layout: str
    scale: Scale
    most_bytes: int
    md5: str | None = None
    merge_same_title: bool = False

    @property
    def url(self) -> str:
        """Address of the archive."""
        return f"{SITE}/{self.name}.zip"

    @property
    def md5_url(self) -> str:
        """Address of the checksum that is published beside the archive."""
        return f"{self.url}.md5"

    @property
    def terms(self) -> tuple[str, str]:
        """Lines of the licence and of the citation, shown with every fetch."""
        suffix = "txt" if self.name in ("ml-100k", "ml-1m") else "html"
        text = f"{SITE}/{self.name}-README.{suffix}"
        return f"Licence: {LICENCE}; in full: {text}", f"Citation: {CITATION}"


_MB = 1 << 20
EDITIONS = {
    edition.name: edition
    for edition in (
        Edition("ml-100k", "u.data", WHOLE, 64 * _MB, "0e33842e24a9c977be4e0107933c0723", True),
        Edition("ml-1m", "ratings.dat", WHOLE, 128 * _MB, "c4d9eecfca2ab87c1945afe126590906"),
        Edition("ml-10m", "ratings.dat", HALF, 1024 * _MB, "ce571fd55effeba0271552578f2648bd"),
        Edition("ml-20m", "ratings.csv", HALF, 2048 * _MB, "cd245b17a1ae2cc31bb14903e1204af3"),
        Edition("ml-25m", "ratings.csv", HALF, 2048 * _MB, "6b51fb2759a8657d3bfcbfc42b592ada"),
        Edition("ml-32m", "ratings.csv", HALF, 4096 * _MB),
        Edition("ml-latest-small", "ratings.csv", HALF, 64 * _MB),
        Edition("ml-latest", "ratings.csv", HALF, 4096 * _MB),
    )
}


def edition_of(name: str) -> Edition:
    """The edition of that name. Raises `InputError` with the most similar name."""
    if name in EDITIONS:
        return EDITIONS[name]
    raise InputError(f"{name!r}: unknown edition; {choice(name, EDITIONS)}")

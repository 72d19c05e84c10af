"""A rating as people and spreadsheets write it: 3.5, 3,5, 7/10, or stars such as ★★★½."""

import re

_NUMBER = re.compile(r"(\d+(?:[.,]\d+)?)(?:\s*/\s*(\d+))?", re.ASCII)
_STARS = re.compile(r"(?:(\d)|(★*))\s*(½?)", re.ASCII)


def rating_of(text: str, highest: float) -> float:
    """The rating in a text, NaN if there is none. highest: of the scale, which 7/10 must name.

    >>> rating_of("3,5", 5), rating_of("7/10", 10), rating_of("★★★½", 5), rating_of("7/10", 5)
    (3.5, 7.0, 3.5, nan)
    """
    if number := _NUMBER.fullmatch(text):
        of = number[2]
        return float(number[1].replace(",", ".")) if of in (None, f"{highest:g}") else float("nan")
    stars = _STARS.fullmatch(text)
    if not text or stars is None:
        return float("nan")
    whole = int(stars[1]) if stars[1] else len(stars[2])
    return whole + 0.5 * bool(stars[3])

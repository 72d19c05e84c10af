"""What stands between the fields of a text: one or two characters, or a run of blanks."""

import csv
import re
from collections import Counter
from collections.abc import Sequence

# Runs of blanks are one separator, as is usual in tables that are aligned by them.
BLANKS = " "
# Best first: of two that divide the rows alike, the later ones rather occur in values.
_SEPARATORS = ("\t", ";", "|", "::", ",", BLANKS)
_ALIKE = 0.8
# It does not occur in text, so it can replace a separator of several characters.
UNIT_SEPARATOR = "\x1f"
_RUNS = re.compile(r"[ \t]+")
_QUOTED_RUNS = re.compile(r'("[^"\n]*")|[ \t]+')
_AROUND = re.compile(r"(?m)^\x1f|\x1f(?=\r?$)")


def separator_of(lines: Sequence[str]) -> str:
    """The separator that divides most rows as it divides the first, and that into most fields."""
    best, most = ",", (False, 0.0, 0)
    for separator in _SEPARATORS:
        rows = [fields(line, separator) for line in lines[:100] if line.strip()]
        if separator == BLANKS and sum(map(_has_another, rows)) > _ALIKE * len(rows):
            # As in "ann | soup | 4".
            continue
        counts = [len(row) for row in rows]
        if not counts or counts[0] < 2:
            continue
        usual = Counter(counts[1:] or counts).most_common(1)[0][0]
        # A header may have a field less or more than the rows, where these end by a separator.
        share = sum(count == usual for count in counts[1:] or counts) / len(counts[1:] or counts)
        alike = share >= _ALIKE and usual > 1 and abs(usual - counts[0]) <= 1
        score = (alike, 0.0 if alike else share, min(usual, counts[0]))
        if score > most:
            best, most = separator, score
    return best


def _has_another(row: list[str]) -> bool:
    """Whether a field is a separator alone."""
    return any(field in _SEPARATORS for field in row)


def fields(line: str, separator: str) -> list[str]:
    """The fields of one line; quotes are respected."""
    text = line.rstrip("\r\n")
    if separator == BLANKS:
        text = without_runs(text)
    elif len(separator) > 1:
        text = text.replace(separator, UNIT_SEPARATOR)
    one = separator if len(separator) == 1 and separator != BLANKS else UNIT_SEPARATOR
    try:
        found = next(csv.reader([text], delimiter=one), [])
    except csv.Error:
        # A field of more than 128 KiB.
        found = text.split(one)
    return [field.replace(UNIT_SEPARATOR, separator) for field in found]


def without_runs(text: str) -> str:
    """Lines of fields with one unit separator between them, for runs of blanks."""
    if '"' in text:
        text = _QUOTED_RUNS.sub(lambda match: match[1] or UNIT_SEPARATOR, text)
    elif "\t" in text or "  " in text:
        text = _RUNS.sub(UNIT_SEPARATOR, text)
    else:
        text = text.replace(" ", UNIT_SEPARATOR)
    return _AROUND.sub("", text)

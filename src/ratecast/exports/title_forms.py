"""Titles in forms that can be compared: without case, accents, punctuation and moved articles."""

import html
import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

# 1995; of a series also 1995- or 1995-1999; MovieLens writes some years with a blank inside.
_YEAR = re.compile(r"\s*\(\s*(\d{4})\s*(?:[-\u2013]\s*(?:\d{4})?)?\s*\)\s*$")
_BRACKETS = re.compile(r"\s*\(([^()]*)\)\s*$")
_ALSO = re.compile(r"^(?:a\.?k\.?a\.?|also known as|or)[:\s]+", re.IGNORECASE)
_ARTICLES = (
    "the|a|an|la|le|les|l'|un|une|des|el|los|las|una|il|lo|gli|i|uno|der|die|das|ein|eine|den|det|"
    "en|ett|de|het|een|o|os|as|um|uma"
)
_MOVED = re.compile(rf"^(.*), ({_ARTICLES})$", re.IGNORECASE)
# Not die, i or as: Die Hard, I, Robot and As Good as It Gets have no article.
_FIRST = re.compile(r"^(?:the|a|an|la|le|les|l|el|los|las|il|der|das) (?=.)")
_APOSTROPHES = re.compile(r"['\u2018\u2019\u02bc`\u00b4]")
_ELISION = re.compile(r"(?<=\b[LlDd])['\u2019](?=\w)")
_AND = re.compile(r"&|(?<=\s)\+(?=\s)")
# Letters that have no accent to remove.
_LETTERS = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th"})
_WORD = re.compile(r"[^\W_]+")


class Forms(NamedTuple):
    """A title in three forms, each looser.

    words: in order. bare: without the first article, and with numbers in digits. joined: without
    blanks.
    """

    words: str
    bare: str
    joined: str


class CatalogueTitle(NamedTuple):
    """A title of MovieLens: its year, its name and the other names in brackets."""

    year: int | None
    names: tuple[Forms, ...]


def article_first(title: str) -> str:
    """`President, The` as `The President`."""
    moved = _MOVED.match(title)
    if moved is None:
        return title
    name, article = moved.groups()
    return f"{article}{'' if article.endswith(chr(39)) else ' '}{name}"


def name_and_year(title: str) -> tuple[str, int | None]:
    """A title of MovieLens as other sites write it: the article first, without other names.

    >>> name_and_year("City of Lost Children, The (Cité des enfants perdus, La) (1995)")
    ('The City of Lost Children', 1995)
    """
    text = title.strip()
    match = _YEAR.search(text)
    year = int(match[1]) if match else None
    text = text[: match.start()] if match else text
    while (others := _BRACKETS.search(text)) and others.start():
        text = text[: others.start()]
    return article_first(text.strip()), year


def forms(title: str) -> Forms:
    """The forms of a title without its year; `Forms.words` is never empty, unless the title is."""
    text = article_first(html.unescape(title).strip())
    words = _words(text) or text.casefold()
    bare = _in_digits(_FIRST.sub("", words))
    return Forms(words, bare, bare.replace(" ", ""))


def _words(text: str) -> str:
    text = _AND.sub(" and ", text)
    # L'Avventura has an article, but Schindler's List is two words.
    text = _ELISION.sub(" ", text)
    text = _APOSTROPHES.sub("", text)
    plain = text.casefold()
    if not plain.isascii():
        spread = unicodedata.normalize("NFKD", plain)
        plain = "".join(letter for letter in spread if not unicodedata.combining(letter))
        plain = plain.translate(_LETTERS)
    return " ".join(_WORD.findall(plain))


def split_title(title: str) -> CatalogueTitle:
    """The parts of a title such as `City of Lost Children, The (Cité des enfants perdus) (1995)`.

    >>> split_title("Seven (a.k.a. Se7en) (1995)").names[-1].words
    'se7en'
    """
    text = title.strip()
    match = _YEAR.search(text)
    year = int(match[1]) if match else None
    text = text[: match.start()] if match else text
    names = tuple(dict.fromkeys(forms(name) for name in _names(text)))
    return CatalogueTitle(year, names)


def _names(text: str) -> Iterator[str]:
    """The name before the brackets first, then those in the brackets at the end."""
    others = []
    while (match := _BRACKETS.search(text)) and match.start():
        text = text[: match.start()]
        others.append(_ALSO.sub("", match[1].strip()))
    yield text
    if others:
        # Brackets can be part of the name: (500) Days of Summer has them first, others last.
        yield " ".join([text, *reversed(others)])
    yield from (name for name in reversed(others) if name)


def numbers(bare: str) -> list[str]:
    """The numbers in the bare form of a title, sorted: those of sequels differ.

    >>> numbers(forms("Menace II Society, Part Three").bare)
    ['2', '3']
    """
    return sorted(word for word in bare.split() if word[0].isdigit())


def _in_digits(words: str) -> str:
    """The words with numbers up to 99, and Roman ones, in digits."""
    parts = words.split()
    if _NUMBERS.keys().isdisjoint(parts):
        return words
    found: list[str] = []
    tens = 0
    for word in parts:
        number = _NUMBERS.get(word)
        if tens and word in _UNITS[1:10]:
            found[-1] = str(tens + _NUMBERS[word])
        else:
            found.append(word if number is None else str(number))
        tens = number if number is not None and word in _TENS else 0
    return " ".join(found)


# Not i, which is a word: I, Robot.
_ROMAN = ("ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii")
_UNITS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_NUMBERS = {
    **{word: number for number, word in enumerate(_UNITS)},
    **{word: 10 * number for number, word in enumerate(_TENS, 2)},
    **{word: number for number, word in enumerate(_ROMAN, 2)},
}

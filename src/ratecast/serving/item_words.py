"""What the items of a table are called: movies, or what the name of their column says."""

import re
from dataclasses import dataclass

from ratecast.errors import InputError

# Names of columns that say what they are by another word.
_OTHERS = {
    "isbn": "book", "asin": "product", "parent asin": "product", "stock": "product", "m": "movie",
    "i": "item", "title": "title",
}  # fmt: skip
_UNCHANGED = ("anime", "manga", "series", "species", "sheep", "fish")
_ENDS = re.compile(r"[\s_.-]*(id|uri|url|code|key|number|name|index)$")
_WORD = re.compile(r"[^\W\d_]+([ -][^\W\d_]+)*")
_MOVIE = re.compile(r"\bmovie(s?)\b", re.IGNORECASE)
_MOST = 30


@dataclass(frozen=True)
class ItemWord:
    """The word for one item, and for several."""

    one: str = "movie"
    many: str = "movies"

    @classmethod
    def of(cls, text: str) -> "ItemWord":
        """Of a word, or of a word and its plural as in person/people. Raises `InputError`."""
        words = [word.strip() for word in text.split("/")]
        if len(words) > 2 or not all(
            _WORD.fullmatch(word) and len(word) <= _MOST for word in words
        ):
            raise InputError(
                f"serve: --item-word {text!r} is no word; give one of letters, as in book, or with "
                "its plural as in person/people"
            )
        return cls(words[0], words[-1] if len(words) > 1 else plural(words[0]))

    @classmethod
    def of_column(cls, name: str) -> "ItemWord":
        """Of the name of a column, such as book_id; item where it says nothing."""
        short = name.partition(":")[0].strip()
        # As in bookId.
        spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", short).lower()
        bare = " ".join(re.split(r"[\s_.-]+", _ENDS.sub("", spaced)))
        word = _OTHERS.get(bare or spaced, bare)
        fits = _WORD.fullmatch(word) and len(word) <= _MOST
        return cls(word, plural(word)) if fits else cls("item", "items")

    @property
    def a(self) -> str:
        """The word with its article."""
        return f"{'an' if self.one[0] in 'aeiou' else 'a'} {self.one}"

    @property
    def title(self) -> str:
        """The word with a capital letter, as a title."""
        return f"{self.one[:1].upper()}{self.one[1:]}"

    def worded(self, text: str) -> str:
        """A text about a movie, with this word for the first one that it names."""

        def other(found: re.Match[str]) -> str:
            word = self.many if found[1] else self.one
            return f"{word[:1].upper()}{word[1:]}" if found[0][0].isupper() else word

        return _MOVIE.sub(other, text, count=1)


def plural(word: str) -> str:
    """The plural of an English noun that is formed by rule."""
    if word in _UNCHANGED:
        return word
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return f"{word}es"
    if word.endswith("y") and word[-2:-1] not in tuple("aeiou"):
        return f"{word[:-1]}ies"
    return f"{word}s"

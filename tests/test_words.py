"""The code speaks the field's language: words that stood for its terms in 0.1.0 are gone."""

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "ratecast"
# Beside each word, what is meant by it.
ANYWHERE = {
    "observe, update": "hear hears heard hearing unheard listen listens listener listeners",
    "a fit, observed ratings, a parameter": "told tells retold",
    "a new or unknown user": "stranger strangers newcomer newcomers nobody",
    "residual, innovation": "surprise surprises news",
    "cosine-weighted residual of similar movies": "echo echoes",
    "co-rating": "company",
    "training task, residual buffer": "lesson lessons",
    "leave-one-out": "hindsight",
    "store, writer, service, published models": "ledger desk shelf",
}
# Good English in prose, but not as names of what is computed.
AS_NAMES = {
    "forecast, predicted, message": "said says",
    "covariance": "cover covers",
    "L2 penalty, precision": "pull pulls",
    "user, movie": "mine theirs",
    "new or unknown user": "nobody",
}
# Where a word is right, and why; empty words: all of them.
ALLOWED = {
    "modelling/contract/renamed.py": ("", "old names are accepted there; artifacts hold them"),
    "cli/serving.py": ("listen listens", "to a port"),
    "serving/server.py": ("listen listens", "to a port"),
    "serving/store/engine.py": ("listen listens", "to a port"),
}


def parts(name: str) -> list[str]:
    """The words of an identifier or of a sentence: `of_users`, `UserHistory`."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def split(table: dict[str, str]) -> dict[str, str]:
    return {word: meant for meant, words in table.items() for word in words.split()}


def found(text: str, allowed: str | None = None) -> Iterator[str]:
    """Where a word of the lists stands, and what to say instead."""
    anywhere, as_names = split(ANYWHERE), split(ANYWHERE) | split(AS_NAMES)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        known = as_names if token.type == tokenize.NAME else anywhere
        for word in parts(token.string):
            if word in known and word not in (allowed or "").split():
                yield f"line {token.start[0]}: {word} (say: {known[word]})"


def test_parts_of_names() -> None:
    assert " ".join(parts("of_users HistoryModel l2_users")) == "of users history model l users"
    assert len(list(found("heard = 1  # a stranger\nx = 'it says so'\nsaid = x\n"))) == 3
    assert not list(found("listen()", "listen"))


@pytest.mark.parametrize(
    "path", sorted(SOURCE.rglob("*.py")), ids=lambda path: path.relative_to(SOURCE).as_posix()
)
def test_no_word_of_the_old_dialect(path: Path) -> None:
    allowed, _ = ALLOWED.get(path.relative_to(SOURCE).as_posix(), (None, ""))
    if allowed != "":
        assert list(found(path.read_text("utf-8"), allowed)) == []


def test_what_is_allowed_is_there() -> None:
    assert all((SOURCE / path).is_file() for path in ALLOWED)

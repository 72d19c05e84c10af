"""Arguments that need no parser: the values are those that the parser gives."""

from inspect import Parameter
from pathlib import Path
from typing import Any, Literal

import pytest
from jsonargparse import ArgumentError, ArgumentParser

from ratecast.cli import VERBS
from ratecast.cli.manual import flat_parameters
from ratecast.cli.plain_words import fits, typed

TYPES = [str, str | None, Path, Path | None, int, int | None, bool, Literal["frozen", "as-of"]]
WORDS = [
    "196", "0", "-3", "007", "1_000", "1e3", "3.5", "true", "false", "True", "yes", "null", "None",
    "~", "als", "as-of", "frozen", "Kolya (1996)", "a: b", "[1]", "{}", "'x'", "runs/a-b_c.csv",
    "-", "a,b", " x", "x ", "é", "2020-01-01", "0x10", "12345678901234567890", ".", "..", "1:5:1",
    "nan", "inf", "off", "+5", "1.", "a=b", "a#b",
]  # fmt: skip


def parsed(annotation: Any, word: str) -> Any:
    parser = ArgumentParser(exit_on_error=False, add_help=False, allow_abbrev=False)
    parser.add_argument("--x", type=annotation, default=None)
    return parser.instantiate(parser.parse_args([f"--x={word}"])).as_dict()["x"]


@pytest.mark.parametrize("annotation", TYPES, ids=str)
def test_same_values_as_the_parser(annotation: Any) -> None:
    parameter = Parameter("x", Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
    plain = 0
    for word in WORDS:
        values = typed([f"--x={word}"], [parameter])
        if values is None:
            continue
        plain += 1
        try:
            assert values["x"] == parsed(annotation, word), word
            assert type(values["x"]) is type(parsed(annotation, word)), word
        except ArgumentError:
            pytest.fail(f"the parser refuses {word!r} as {annotation}")
    assert plain


def test_what_the_parser_must_look_at() -> None:
    parameters = flat_parameters(VERBS["predict"])
    assert typed(["--artifact=a", "--user", "3"], parameters) is not None
    for words in (["--user=3"], ["--artifact=a", "--no"], ["--artifact=a", "--at=x"]):
        assert typed(words, parameters) is None
    assert typed(["--artifact=a", "--user"], parameters) is None
    assert typed(["--artifact", "--user=3"], parameters) is None


def test_which_text_the_console_prints_as_it_is() -> None:
    assert fits("short\n  lines")
    assert not fits("x" * 81)
    assert not fits("a\tb")
    assert not fits("blank at the end ")

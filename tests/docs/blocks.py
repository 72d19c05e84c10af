"""The code blocks of the pages, run as a reader would run them: in order, in one folder a page."""

import io
import re
import shlex
from contextlib import redirect_stdout
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from ratecast.cli import VERBS, main
from ratecast.cli.call import arguments

ROOT = Path(__file__).parent.parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]

# Lines of a shell that are no verb of ratecast: what they do is tried by the project's own checks.
SHELL = ("make ", "python3 -m venv ", "source ", "pip install ", "tensorboard ")
_BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<why>[^\n]+) -->\n)?"
    r'^```(?P<language>[a-z]+)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$',
    flags=re.MULTILINE | re.DOTALL,
)
_NUMBER = re.compile(r"-?\d[\d,]*\.?\d*")
_NEAR = 0.003


@dataclass(frozen=True)
class Block:
    """A fenced block. why: the reason why it is only parsed. title: the file that it is."""

    page: str
    line: int
    language: str
    text: str
    title: str = ""
    why: str = ""

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """Every fenced block of a page, in order."""
    text = page.read_text("utf-8")
    return [
        Block(
            page.name,
            text[: found.start("language")].count("\n") + 1,
            found["language"],
            found["text"],
            found["title"] or "",
            found["why"] or "",
        )
        for found in _BLOCK.finditer(text)
    ]


class Reader:
    """Somebody who follows a page: its variables and what was printed last."""

    def __init__(self) -> None:
        self._names: dict[str, Any] = {"__name__": "__main__"}
        self.printed = ""

    def follow(self, block: Block) -> None:
        """Do what a block says, or compare what it shows with what was printed."""
        if block.language == "text":
            differs = difference(block.text, self.printed)
            assert not differs, f"{block.place}: {differs}\nprinted:\n{self.printed}"
        elif block.title:
            Path(block.title).write_text(block.text, "utf-8")
        elif block.language == "python":
            with redirect_stdout(io.StringIO()) as out:
                exec(compile(block.text, block.place, "exec"), self._names)
            self.printed = out.getvalue()
        elif block.language == "sh":
            self.printed = "".join(self._type(line, block) for line in lines(block))

    def _type(self, line: str, block: Block) -> str:
        words = verb(line, block)
        if not words or block.why:
            return understood(words) if words else ""
        words, _, target = (list(part) for part in _parted(words))
        with redirect_stdout(io.StringIO()) as out:
            code = main(words)
        assert code == 0, f"{block.place}: {line}"
        if target:
            Path(target[0]).write_text(out.getvalue(), "utf-8")
        return "" if target else out.getvalue()


def lines(block: Block) -> list[str]:
    """The commands of a shell block; a line may go on after a backslash."""
    joined = block.text.replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]


def verb(line: str, block: Block) -> list[str]:
    """The words after `ratecast`; nothing for a line that is the shell's."""
    if line.startswith(SHELL):
        return []
    words = shlex.split(line, comments=True)
    # A variable that the shell sets for one command.
    words = words[1:] if "=" in words[0] else words
    assert words[0] == "ratecast", f"{block.place}: {line!r} is neither a verb nor known"
    return words[1:]


def understood(words: list[str]) -> str:
    """Parse the words of a verb, without doing it; nothing is printed."""
    words, *_ = (list(part) for part in _parted(words))
    for length in (2, 1):
        if (name := " ".join(words[:length])) in VERBS:
            arguments(VERBS[name], name, words[length:])
            return ""
    raise AssertionError(f"{words}: no verb")


def difference(shown: str, printed: str) -> str:
    """What of `shown` was not printed; empty if all was. `...` stands for lines left out.

    Words must be equal, and numbers near: the last digits differ between machines.
    """
    rest = iter(printed.splitlines())
    for before, line in pairwise(["...", *shown.rstrip().splitlines()]):
        if line.strip() == "...":
            continue
        skips = before.strip() == "..."
        found = any(_same(line, other) for other in rest) if skips else _same(line, next(rest, ""))
        if not found:
            return f"not printed: {line}"
    return ""


def _same(shown: str, printed: str) -> bool:
    if "[...]" in shown:
        return _same(shown.partition("[...]")[0], printed[: shown.index("[...]")])
    words = [_NUMBER.sub("#", " ".join(re.sub("█", "", line).split())) for line in (shown, printed)]
    if words[0] != words[1]:
        return False
    numbers = (_NUMBER.findall(line) for line in (shown, printed))
    return all(_near(*pair) for pair in zip(*numbers, strict=True))


def _near(shown: str, printed: str) -> bool:
    if shown == printed:
        return True
    one, other = (float(number.replace(",", "").rstrip(".")) for number in (shown, printed))
    whole = one.is_integer() and other.is_integer()
    return not whole and abs(one - other) <= _NEAR * max(1, abs(one))


def _parted(words: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Words, `>`, and the file behind it."""
    at = words.index(">") if ">" in words else len(words)
    return words[:at], words[at : at + 1], words[at + 1 :]

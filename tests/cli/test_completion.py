"""The completion scripts, asked as a shell asks them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from ratecast.cli import VERBS, main
from ratecast.models import MODELS


@pytest.fixture(scope="module")
def bash(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written("bash", tmp_path_factory.mktemp("bash") / "ratecast")


def written(shell: str, path: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch, path.open("w") as file:
        patch.setattr("sys.stdout", file)
        assert main(["completion", shell]) == 0
    return path


def offered(script: Path, *words: str) -> set[str]:
    """What bash offers after these words, the last of which is being typed."""
    line = " ".join(words)
    typed = " ".join(f"'{word}'" for word in words)
    ask = f"""
        source {script}
        function=$(complete -p ratecast | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        COMP_WORDS=({typed}) COMP_CWORD={len(words) - 1} COMP_LINE='{line}' COMP_POINT={len(line)}
        $function ratecast '{words[-1]}' '{words[-2]}'
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True)
    return {word.strip() for word in done.stdout.splitlines()} - {""}


def test_verbs_are_offered(bash: Path) -> None:
    assert {name.split()[0] for name in VERBS} <= offered(bash, "ratecast", "")
    assert offered(bash, "ratecast", "data", "d") == {"describe"}


def test_options_and_their_values_are_offered(bash: Path) -> None:
    options = offered(bash, "ratecast", "evaluate", "--")
    assert {"--model", "--protocol", "--json"} <= options
    assert offered(bash, "ratecast", "evaluate", "--protocol", "") == {"frozen", "as-of"}


def test_models_editions_and_files_are_offered(
    bash: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ratings.csv").touch()
    assert offered(bash, "ratecast", "evaluate", "--model", "fac") == {"factorization_machine"}
    assert set(MODELS) <= offered(bash, "ratecast", "train", "")
    assert offered(bash, "ratecast", "data", "describe", "ml-1") == {"ml-100k", "ml-1m", "ml-10m"}
    assert offered(bash, "ratecast", "data", "describe", "rat") == {"ratings.csv"}
    assert offered(bash, "ratecast", "evaluate", "--test", "rat") == {"ratings.csv"}


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_read_their_script(shell: str, tmp_path: Path) -> None:
    path = written(shell, tmp_path / "script")
    text = path.read_text("utf-8")
    assert all(name.split()[-1] in text for name in VERBS)
    assert "ml-latest-small" in text
    if program := shutil.which(shell):
        subprocess.run([program, "-n", str(path)], check=True)

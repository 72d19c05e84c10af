"""A mistyped word or value: one line that names it, with what was probably meant."""

import shlex
from pathlib import Path

import pytest

from ratecast.cli import main
from ratecast.errors import nearest

Say = pytest.CaptureFixture[str]
TECHNICAL = ("Parser key", "<class", "NoneType", "typing.", "unrecognized", "Union")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("eval", "'eval' is not a command; did you mean ratecast evaluate?"),
        ("data fech", "'data fech' is not a command; did you mean ratecast data fetch?"),
        ("evaluate --model bais", "model 'bais': not known; did you mean bias?"),
        ("train ALSS", "model 'ALSS': not known; did you mean als?"),
        ("report bias,alss", "model 'alss': not known; did you mean als?"),
        ("train als --model.factor 3", "--model.factor; did you mean --model.factors?"),
        ("train als --model.iter 3", "--model.iter; did you mean --model.iterations?"),
        ("train als --factors=3", "--factors; did you mean --model.factors?"),
        ("train als --model.name alss", "model 'alss': not known; did you mean als?"),
        ("train als --sed 3", "unknown option --sed; did you mean --seed?"),
        ("train als --jsn", "train: unknown option --jsn; did you mean --json?"),
        ("train als --al", "train: unknown option --al; did you mean --all?"),
        ("evaluate --proto as-of", "unknown option --proto; did you mean --protocol?"),
        ("data fetch ml-1m --frm x", "unknown option --frm; did you mean --from?"),
        ("models --zzz", "models: unknown option --zzz; choose one of --json"),
        ("data fetch ml-100", "'ml-100': unknown edition; did you mean ml-100k?"),
        ("data describe ml100k", "no such file, folder or edition; did you mean ml-100k?"),
        ("data describe nowhere", "editions are ml-100k, ml-1m, "),
        ("data split --split cronological", "split 'cronological': did you mean chronological?"),
        ("train als --split u9", "split 'u9': choose one of auto, chronological, "),
        ("tune als --protocol asof", "expected one of auto, frozen, as-of; did you mean as-of?"),
    ],
)  # fmt: skip
def test_a_mistyped_name_gets_the_nearest_one(
    line: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Say
) -> None:
    _refused(line, said, tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "predict --artifact a --user 1 --movie 2 --at yesterday",
            "predict: --at is 'yesterday'; expected a whole number; see ratecast predict --help",
        ),
        ("serve --rate_limit fast", "serve: --rate-limit is 'fast'; expected a number"),
        ("serve --port= ", "serve: --port is ''; expected a whole number"),
        ("data expand --ratings many --out o", "--ratings is 'many'; expected a number"),
        ("data fetch ml-1m --from", "data fetch: --from needs a value"),
        ("data fetch ml-1m now", "data fetch: unexpected word 'now'"),
        ("tune", "tune: MODEL must be given; see ratecast tune --help"),
        ("recommend --n 1", "recommend: --artifact and --out must be given"),
        ("train als --model.factors 2.5", "--model.factors is '2.5'; expected a whole number"),
        ("train gaussian_process --model.timed maybe", "'maybe'; expected true or false"),
        ("data describe ml-100k --header maybe", "--header is 'maybe'; expected yes or no"),
        ("train neumf --model.layers 8", "--model.layers is '8'; expected a list, as in [1, 2]"),
        ("train neumf --model.layers [8,x]", "--model.layers is 'x'; expected a whole number"),
        ("train als --model 3", "model is a group of settings; give one of --model.name, --model."),
    ],
)
def test_a_bad_value_is_named_with_what_is_expected(
    line: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Say
) -> None:
    _refused(line, said, tmp_path, monkeypatch, capsys)


def _refused(
    line: str, said: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Say
) -> None:
    monkeypatch.chdir(folder)
    assert main(shlex.split(line)) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert err.startswith("ratecast: ")
    assert err.count("\n") == 1
    assert not [word for word in TECHNICAL if word in err]
    assert not out
    assert not list(folder.iterdir())


@pytest.mark.parametrize("name", ["factorization_machine", "bfm"])
def test_help_of_an_experiment_has_the_names_of_today(name: str, capsys: Say) -> None:
    assert main(["train", name, "--help"]) == 0
    out = capsys.readouterr().out
    assert "Fields, and their values in factorization_machine\n" in out
    assert "--experiment factorization_machine\n" in out
    assert "--model.samples 16\n" in out
    assert "bfm" not in out


def test_nearest() -> None:
    assert nearest("--iter", ["--iterations", "--factors"]) == "--iterations"
    assert nearest("ALS", ["mean", "als"]) == "als"
    # Two begin with it, so that the spelling decides.
    assert nearest("mf_b", ["mf_bias", "mf_big"]) == "mf_big"
    assert nearest("", ["mean"]) is None
    assert nearest("oracle", ["mean", "als"]) is None

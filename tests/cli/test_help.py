"""What the command line says of itself holds: verbs, help, and every example in it."""

import io
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from ratecast import data
from ratecast.cli import GROUPS, VERBS, main, pages, serving
from ratecast.cli.budget import as_setting
from ratecast.cli.call import AUTO, arguments
from ratecast.cli.manual import FIELDS, manual
from ratecast.cli.work_folder import out_of_core
from ratecast.doctor import sources
from ratecast.serving import server
from ratecast.training.experiment import _parser, experiments
from tests.exports import writers
from tests.planted import planted

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = [(name, line) for name, verb in VERBS.items() for line in manual(name, verb).examples]
# Parsed but not run here: they need the network, a service, or minutes. What they do is tested
# elsewhere.
NETWORK = ("data fetch ml-latest-small", "data fetch ml-1m")
SERVICE = (
    *("import ratings.csv diary.csv", "export --user 944", "publish artifacts/als --wait"),
    *("move-store", "mcp --url", "mcp --artifact artifacts/als --port"),
)
# To compile all loops takes minutes.
LONG = ("doctor --compile", "reproduce", "refit", "report", "tune", "sweep", "overfit", "lr-find")
TRAIN = ("train --data", "train state_space", "train configs", "train mf_bias", "train neumf")
KFOLD = "evaluate --model configs/mf.yaml"
LATER = (*NETWORK, *SERVICE, *LONG, *TRAIN, KFOLD)

Say = pytest.CaptureFixture[str]


@pytest.mark.parametrize("source", ["mf_bias", str(ROOT / "configs" / "als.yaml")])
def test_help_lists_the_fields_of_the_model_that_is_named(source: str, capsys: Say) -> None:
    assert main(["train", source, "--help"]) == 0
    said = capsys.readouterr().out
    listed = [line.split()[0] for line in said.partition("Fields, and")[2].splitlines()[1:]]
    assert {"--seed", "--model.factors"} <= set(listed)
    assert ("--trainer.epochs" in listed) == (source == "mf_bias")
    one = experiments([source, *(word for field in listed[3:5] for word in (field, "7"))], ())[0]
    assert one.seed == 7


@pytest.mark.parametrize("words", [[], ["--help"], ["help"]])
def test_alone_it_shows_the_verbs_and_a_start(words: list[str], capsys: Say) -> None:
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    named = [name for name in VERBS if any(line.startswith(f"  {name} ") for line in lines)]
    assert named == list(VERBS)
    assert all(title in lines for title in GROUPS)
    start = lines[lines.index("Start with") + 1 :][:3]
    assert all(line.startswith("  ratecast ") for line in start)
    assert max(map(len, lines)) <= 100


def test_help_loads_no_library() -> None:
    code = (
        "import sys; from ratecast.cli import main; main([]); main(['evaluate', '--help']); "
        "heavy = {'torch', 'lightning', 'polars', 'numba', 'numpy', 'rich', 'jsonargparse'}; "
        "sys.exit(bool(heavy & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_examples(verb: str, capsys: Say) -> None:
    assert main([*verb.split(), "--help"]) == 0
    out = capsys.readouterr().out
    about = manual(verb, VERBS[verb])
    assert about.examples
    assert len(about.purpose) <= 63
    assert all(line in out for line in about.examples)
    for argument in about.arguments:
        assert argument.about, argument.name
        assert (argument.name.upper() if argument.positional else argument.option) in out


def test_the_reference_page_holds_every_verb_and_example() -> None:
    page = pages.markdown(GROUPS)
    assert all(f"### {name}\n" in page for name in VERBS)
    assert all(line in page for _, line in EXAMPLES)


@pytest.mark.parametrize(("name", "line"), EXAMPLES, ids=[line for _, line in EXAMPLES])
def test_every_example_is_understood(name: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    words = shlex.split(line.partition(" > ")[0])[1 + len(name.split()) :]
    left, _ = arguments(VERBS[name], name, words)
    if left:
        rest, *_ = out_of_core(as_setting(left), False)
        assert experiments(rest, [AUTO])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a person might stand: configs, tables of their own, a trained model."""
    place = tmp_path_factory.mktemp("examples")
    shutil.copytree(ROOT / "configs", place / "configs")
    table = planted(movies=400).frame
    more = {"film": pl.col("movie"), "score": pl.col("rating") * 2}
    table.with_columns(**more).write_csv(place / "ratings.csv")
    table[:1000].write_csv(place / "train.csv")
    table[1000:].write_csv(place / "test.csv")
    table[900:1000].write_csv(place / "valid.csv")
    with_more = table.select("user", "movie", genre=1, review=2, rating="rating")
    with_more.write_csv(place / "ratings.txt", include_header=False)
    rows = [f"{k},{1 + k % 5},99,{5 - k % 4}" for k in range(1, 30)]
    (place / "matrix.csv").write_text("\n".join(["user,1,2,3", *rows]), "utf-8")
    films = [
        {"Date": "2024-05-01", "Name": name, "Year": year, "Rating": 4}
        for name, year in (("Fargo", 1996), ("Kolya", 1998))
    ]
    writers.archive(
        place / "letterboxd.zip", {"ratings.csv": writers.table(writers.LETTERBOXD, films)}
    )
    (place / "package").mkdir()
    (place / "package" / "module.py").write_text("from ratecast import Mean as Model\n", "utf-8")
    valid = data.load("ml-100k").frame.sort("at")[64002:80003].select("user", "movie")
    valid.with_columns(stars=pl.lit(3.5)).write_csv(place / "theirs.csv")
    (place / "token.txt").write_text("0123456789abcdef" * 4, "utf-8")
    (place / "token.txt").chmod(0o600)
    listed = [{"Date": "2024-05-01", "Name": "Star Wars", "Year": 1977}]
    writers.write(place / "watchlist.csv", "Date,Name,Year,Letterboxd URI", listed)
    (place / "users.txt").write_text("196\n5000\n", "utf-8")
    (place / "movies.txt").write_text("242\n302\n", "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        assert main(["train", "bias"]) == 0
        assert main(["train", "als", "--out", "logs"]) == 0
    shutil.copytree(place / "logs" / "als" / "version_0" / "artifact", place / "artifacts" / "als")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        words = "import letterboxd.zip --artifact artifacts/als --doubtful settled.csv"
        assert main(words.split()) == 0
    return place


@pytest.mark.usefixtures("ml100k")
@pytest.mark.parametrize(
    "line",
    [
        line
        for _, line in EXAMPLES
        # A cluster is of tests/workers.
        if not line.removeprefix("ratecast ").startswith(LATER) and "--on ray" not in line
    ],
)
def test_the_quick_examples_run(line: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sources, "PROBES", ())
    # What follows would answer until it is stopped.
    monkeypatch.setattr(server, "serve", lambda settings, _: settings.checked())
    monkeypatch.setattr(serving, "_publish_first", lambda *_: None)
    # Whoever types an example of mcp speaks to it, and ends it by the end of stdin.
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    # The verb is the same for a smaller table, and takes a tenth of the time.
    asked = line.partition(" > ")[0].replace("--ratings 25e6", "--ratings 2e5")
    assert main(shlex.split(asked)[1:]) == 0


def test_the_fields_of_an_experiment_are_those_that_are_named() -> None:
    known = {
        name for name in dict(_parser("bias", logs=True).get_defaults().items()) if "." not in name
    }
    assert set(FIELDS) == known

"""Run in a process of its own: every verb and every model, where no extra is installed."""

import sys
import tomllib
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

PROJECT = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text("utf-8"))
OF_USERS = ("mcp", "nets", "plots", "notebooks", "ray", "ray-train", "serve", "tune")
# What is imported of a package that has another name.
IMPORTED = {"scikit-learn": "sklearn"}
# Of what the extras bring with them.
BROUGHT = ("pandas", "pyarrow", "pydantic", "fsspec", "torchmetrics", "pytorch_lightning")


def packages(extra: str) -> list[str]:
    """What the extra installs itself, by the names that are imported."""
    lines = PROJECT["project"]["optional-dependencies"][extra]
    names = (line.split(">")[0].split("<")[0].split("[")[0] for line in lines)
    return [IMPORTED.get(name, name.replace("-", "_")) for name in names if name != "ratecast"]


def of_extras() -> set[str]:
    """Every package that an installation without extras may lack."""
    return {name for extra in OF_USERS for name in packages(extra)} | set(BROUGHT)


# The words after each verb, in a folder with a table and an artifact.
WORDS = {
    "data fetch": "ml-100k",
    "data describe": "ratings.csv",
    "data split": "ratings.csv",
    "data expand": "ratings.csv --ratings 3e3 --out grown",
    "models": "",
    "train": "als --data ratings.csv",
    "predict": "--artifact lightning_logs/als/version_0/artifact --user 1 --movie 2",
    "recommend": "--artifact lightning_logs/als/version_0/artifact --rated --out top.csv",
    "evaluate": "--model bias --data ratings.csv",
    "compare": "mean,bias --data ratings.csv",
    "report": "mean,bias --data ratings.csv",
    "tune": "als --data ratings.csv --trials 2",
    "reproduce": "",
    "import": "letterboxd.zip --artifact lightning_logs/als/version_0/artifact",
    "export": "--user 1 --data ratings.csv --out letterboxd.csv",
    "serve": "--home service",
    "publish": "lightning_logs/als/version_0/artifact --home service",
    "refit": "--home service",
    "move-store": "service/ratings.db copy/ratings.db",
    "overfit": "--data ratings.csv",
    "lr-find": "--data ratings.csv",
    "sweep": "--data ratings.csv",
    "mcp": "--artifact lightning_logs/als/version_0/artifact",
    "doctor": "--offline",
    "completion": "bash",
}
# Verbs that need an extra, and other calls that do.
NEEDING = {"mcp": "mcp", "report": "plots", "tune": "tune", "reproduce": "nets"}
NEEDING |= dict.fromkeys(("serve", "publish", "refit", "move-store"), "serve")
NEEDING |= dict.fromkeys(("overfit", "lr-find", "sweep"), "nets")
MORE = {
    "train mf --data ratings.csv": "nets",
    "train mf_bias --data ratings.csv": "nets",
    "evaluate --model neumf --data ratings.csv": "nets",
    "compare mean,mf --data ratings.csv --out other": "nets",
    "compare mean,bias --data ratings.csv --out other --on ray": "ray",
    "train als --data ratings.csv --logger.class_path lightning.pytorch.loggers.CSVLogger": "nets",
}


def said_by(line: str) -> tuple[int, str]:
    """The exit code of a command and its last line on stderr."""
    from ratecast.cli import main

    with redirect_stdout(StringIO()), redirect_stderr(StringIO()) as said:
        code = main(line.split())
    return code, (said.getvalue().splitlines() or [""])[-1]


def verbs() -> None:
    """Each verb works, or says in one line what is missing."""
    from ratecast.cli import VERBS
    from ratecast.optional_packages import install_command

    assert set(WORDS) == set(VERBS), set(WORDS) ^ set(VERBS)
    calls = {f"{verb} {words}": NEEDING.get(verb) for verb, words in WORDS.items()} | MORE
    wrong = []
    for line, extra in calls.items():
        before = sorted(Path().rglob("*"))
        code, last = said_by(line)
        needs = (
            "" if extra is None else f"is not installed; install it with {install_command(extra)}"
        )
        if code != (0 if extra is None else 2) or needs not in last:
            wrong.append(f"{line}: {code}, {last}")
        if extra is not None and sorted(Path().rglob("*")) != before:
            wrong.append(f"{line}: leaves files")
    assert not wrong, "\n".join(wrong)


def models() -> None:
    """Each model is fitted, or says what is missing; its class says the same."""
    import ratecast as rc
    from ratecast.models import MODELS, model_class

    ratings = rc.example_ratings()
    for name in MODELS:
        model = rc.make_model(name, **({"budget": 1} if name == "auto" else {}))
        try:
            model.fit(ratings)
            said = ""
        except rc.MissingPackageError as error:
            said = str(error)
        assert bool(said) == (model_class(name).extra == "nets"), name
        assert not said or said.startswith(f"model {name}: torch is not installed"), said
    rc.make_model("mf_bias", solver="kernel").fit(ratings)


def functions() -> None:
    """What draws, searches or trains says what is missing, to a program too."""
    import ratecast as rc
    from ratecast.queries.movie_map import movie_map
    from ratecast.queries.similar import MovieVectors

    split = rc.chronological(rc.example_ratings())
    als = rc.ALS(factors=2).fit(split.train, split.valid)
    for call in (
        lambda: rc.tune(rc.ALS(), split, trials=1),
        lambda: movie_map(MovieVectors.of(als)),
        lambda: __import__("ratecast.plots.scores"),
        lambda: rc.compare(["mean", "bias"], split, jobs=rc.Ray(workers=1)),
    ):
        with pytest.raises(rc.MissingPackageError, match="is not installed; install it with pip"):
            call()


if __name__ == "__main__":
    for package in of_extras():
        sys.modules[package] = None  # type: ignore[assignment]
    globals()[sys.argv[1]]()

"""Experiments as typed data, from a YAML file and overrides of the command line."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from jsonargparse import ArgumentError, ArgumentParser, Namespace

from ratecast.atomic_write import write_text
from ratecast.errors import InputError, choice
from ratecast.modelling.contract.model import Model
from ratecast.models import model_class
from ratecast.optional_packages import require
from ratecast.parser_errors import plain
from ratecast.splits import is_folder_of_splits, parse
from ratecast.table_options import DEFAULT, OPTIONS, TableOptions
from ratecast.training.model_factory import make_model
from ratecast.training.old_names import current_names
from ratecast.visible_text import one_line

# How YAML writes numbers, but for those to base 60.
_NUMBERS = {
    "tag:yaml.org,2002:float": r"[-+]?(\d[\d_]*\.[\d_]*([eE][-+]\d+)?|\.[\d_]+([eE][-+]\d+)?"
    r"|\.(inf|Inf|INF))$|\.(nan|NaN|NAN)$",
    "tag:yaml.org,2002:int": r"[-+]?(0b[01_]+|0[0-7_]+|0|[1-9][\d_]*|0x[\da-fA-F_]+)$",
}
Resume = Literal["auto", "never"]
# In place of a split: the last fit is on every rating.
ALL = "all"


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """The complete configuration of a run.

    experiment: name of the folder of its runs, `out`/`experiment`/version_n. name: of the model.
    model: all its settings (with `trainer` for a net). data: an edition or a path. table: how your
    own table is read. split: by name, as in `chronological` or `last:2`, or a folder of one; `auto`
    is chronological, or holdout for a table without times; `all` trains on every rating.
    resume: `auto` continues a killed run of the same experiment on the same ratings; `never` starts
    a new run.
    logger: class_path and init_args of a Lightning logger, instead of TensorBoard's.
    """

    experiment: str
    name: str
    model: dict[str, Any] = field(default_factory=dict)
    data: str = "ml-100k"
    table: TableOptions = DEFAULT
    split: str = "auto"
    seed: int = 0
    out: Path = Path("lightning_logs")
    resume: Resume = "auto"
    logger: dict[str, Any] | None = None

    @classmethod
    def of(cls, model: Model, **fields: Any) -> Self:
        """The experiment of `model`. fields: other fields of the experiment."""
        settings = {k: v for k, v in model.settings().items() if k != "seed"}
        own: dict[str, Any] = {"experiment": model.name, "name": model.name, "seed": model.seed}
        return cls(model=settings, **(own | fields))

    def make(self) -> Model:
        """The model, not fitted."""
        return make_model(self.name, seed=self.seed, **self.model)

    def changed(self, **settings: Any) -> Self:
        """The same experiment with other settings of the model."""
        return replace(self, model=self.model | settings)

    def plain(self) -> dict[str, Any]:
        """The content of its YAML file, without `out` and `resume`."""
        values: dict[str, Any] = {}
        for key, value in asdict(self).items():
            if key not in ("out", "resume", "name"):
                # The table's options stand beside the table.
                values |= self.table.plain() if key == "table" else {key: value}
        values = {k: v for k, v in values.items() if v is not None}
        settings = dict(values.pop("model"))
        trainer = settings.pop("trainer", None)
        listed = {k: list(v) if isinstance(v, tuple) else v for k, v in settings.items()}
        values["model"] = {"name": self.name} | listed
        return values if trainer is None else values | {"trainer": trainer}


def experiments(words: Sequence[str], names: Sequence[str]) -> list[Experiment]:
    """The experiments of a command line: a YAML file or a model's name, then overrides.

    Without a file or name: one experiment for each of `names`.
    """
    if words and not words[0].startswith("-"):
        return [read_experiment(words[0], words[1:])]
    return [read_experiment(name, words) for name in names]


def read_experiment(path: Path | str, overrides: Sequence[str] = ()) -> Experiment:
    """The experiment of a YAML file with `overrides`, such as ["--model.factors", "128"].

    path: a YAML file, or the name of a model, for its defaults.
    Raises `InputError`, in one line, for an unknown key or a value of the wrong type.
    """
    # A place of a class, package.module:Class, has a dot too.
    named = not Path(path).exists() and (":" in str(path) or not Path(path).suffix)
    if named:
        model_class(str(path))
    given = {"model": {"name": str(path)}} if named else _mapping(Path(path))
    given, overrides = current_names(given, overrides)
    logs = "logger" in given or any(word.startswith("--logger") for word in overrides)
    parser = _parser(_model_name(given, overrides, path), logs)
    _refuse_unknown(given, parser, path)
    try:
        written = parser.parse_object(given, defaults=False)
    except ArgumentError as error:
        raise InputError(f"{path}: {plain(error, {})}") from None
    parser.set_defaults(_plain({key: written[key] for key in _known(parser) if key in written}))
    try:
        return _experiment(parser.parse_args([*overrides]))
    except ArgumentError as error:
        options = {key: f"--{key}" for key in _known(parser)}
        raise InputError(f"command line: {plain(error, options)}") from None


def model_from(source: str, seed: int, overrides: Sequence[str] = ()) -> Model:
    """The unfitted model of this name, or with the settings of this YAML file and `overrides`."""
    return replace(read_experiment(source, overrides), seed=seed).make()


def write_experiment(path: Path, experiment: Experiment, comment: Sequence[str] = ()) -> None:
    """Write an experiment to a YAML file. comment: lines above it, for people."""
    above = "".join(f"# {one_line(line)}\n" for line in comment)
    write_text(path, above + yaml.safe_dump(experiment.plain(), sort_keys=False))


class _Loader(yaml.SafeLoader):
    """YAML where 1:5:1 is text, as it is from version 1.2 on, and not a number to base 60."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in known if tag not in _NUMBERS]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


for _tag, _pattern in _NUMBERS.items():
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern), list("-+.0123456789"))


def _mapping(path: Path) -> dict[str, Any]:
    try:
        given = yaml.load(path.read_text("utf-8"), _Loader)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; see configs/*.yaml for examples") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not YAML ({' '.join(str(error).split())})") from None
    if not isinstance(given, dict):
        raise InputError(f"{path}: has no keys; see configs/mf.yaml for an example")
    return given


def _model_name(given: Mapping[str, Any], overrides: Sequence[str], path: Path | str) -> str:
    section = given.get("model")
    name = section.get("name") if isinstance(section, dict) else None
    # `current_names` joined name and value by an equals sign.
    chosen = [o.partition("=")[2] for o in overrides if o.startswith("--model.name=")]
    name = next(iter(chosen), name)
    if name is None:
        raise InputError(f"{path}: no model; name one as in model: {{name: bias}}")
    try:
        model_class(str(name))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return str(name)


def _parser(name: str, logs: bool) -> ArgumentParser:
    parser = ArgumentParser(exit_on_error=False, add_help=False, allow_abbrev=False)
    parser.add_argument("--experiment", type=str, default=model_class(name).name)
    parser.add_argument("--data", type=str, default=Experiment.data)
    for option in fields(TableOptions):
        parser.add_argument(f"--{option.name}", type=option.type, default=option.default)
    parser.add_argument("--split", type=str, default=Experiment.split)
    parser.add_argument("--seed", type=int, default=Experiment.seed)
    parser.add_argument("--out", type=str, default=str(Experiment.out))
    parser.add_argument("--resume", type=Resume, default=Experiment.resume)
    parser.add_argument("--logger", type=_logger_type() if logs else None, default=None)
    parser.add_argument("--model.name", type=str, default=name)
    cls = model_class(name)
    parser.add_class_arguments(cls, "model", skip={"seed", "trainer"})
    if "trainer" in cls.__dataclass_fields__:
        from ratecast.modelling.nets.net_model import TrainerSettings

        parser.add_class_arguments(TrainerSettings, "trainer")
        parser.set_defaults({f"trainer.{k}": v for k, v in cls().settings()["trainer"].items()})
    return parser


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {k: v.as_dict() if isinstance(v, Namespace) else v for k, v in values.items()}


def _logger_type() -> Any:
    require("nets", "logger")
    # Lightning takes seconds to import, and most experiments have no logger.
    from lightning.pytorch.loggers import Logger

    return Logger


def _refuse_unknown(given: Mapping[str, Any], parser: ArgumentParser, path: Path | str) -> None:
    known = _known(parser)
    for key, value in leaves(given, known):
        if key not in known:
            raise InputError(f"{path}: unknown key {key!r}; {choice(key, known)}")
        if value is None:
            raise InputError(f"{path}: key {key!r} is empty; give a value or remove it")


def leaves(
    given: Mapping[Any, Any], known: Sequence[str], prefix: str = ""
) -> Iterator[tuple[str, Any]]:
    """Every value by its full key, as model.factors. known: keys whose mappings stay whole."""
    for name, value in given.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict) and key not in known:
            yield from leaves(value, known, f"{key}.")
        else:
            yield key, value


def _known(parser: ArgumentParser) -> list[str]:
    return list(dict(parser.get_defaults().items()))


def _experiment(parsed: Namespace) -> Experiment:
    settings = parsed.model.as_dict()
    name = settings.pop("name")
    if "trainer" in parsed:
        settings["trainer"] = parsed.trainer.as_dict()
    top = {k: v for k, v in parsed.items(branches=True) if "." not in k}
    values = {k: top[k] for k in ("experiment", "data", "split", "seed", "resume")}
    values["table"] = TableOptions(**_plain({k: top[k] for k in OPTIONS}))
    logger = _plain({"logger": top["logger"]})
    experiment = Experiment(name=name, model=settings, out=Path(top["out"]), **logger, **values)
    _refuse_paths(experiment.experiment)
    if experiment.split != ALL and not is_folder_of_splits(experiment.split):
        parse(experiment.split)
    return replace(experiment, model=_all_settings(experiment))


def _all_settings(experiment: Experiment) -> dict[str, Any]:
    """The model's settings after its own checks and conversions."""
    return {k: v for k, v in experiment.make().settings().items() if k != "seed"}


def _refuse_paths(name: str) -> None:
    if not name or set(name) & set("/\\") or name.startswith("."):
        raise InputError(f"experiment {name!r}: is a folder's name; use letters, digits, - and _")

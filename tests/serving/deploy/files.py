"""What the Dockerfile and the files in deploy/ say, as values."""

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
KUBERNETES = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
# What the unit file's %S and %d stand for.
_SPECIFIERS = {"%S": "/var/lib", "%d": "/run/credentials/ratecast.service", "%C": "/var/cache"}


@dataclass
class Stage:
    """A stage of the Dockerfile: the name of its base, and its instructions in order."""

    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        """What every instruction of this name says."""
        return [text for step, text in self.steps if step == name]

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the stage sets."""
        words = [word for text in self.all("ENV") for word in shlex.split(text)]
        return dict(word.split("=", 1) for word in words)

    @property
    def copied(self) -> list[tuple[list[str], str]]:
        """What is copied from the build's folder, and where to."""
        copies = [text.split() for text in self.all("COPY") if not text.startswith("--from")]
        return [(words[:-1], words[-1]) for words in copies]

    def exec_form(self, name: str) -> list[str]:
        """The words of an instruction that is a JSON list."""
        (text,) = self.all(name)
        words: list[str] = json.loads(text[text.index("[") :])
        return words


def stages() -> list[Stage]:
    """The stages of the Dockerfile."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    found: list[Stage] = []
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        step, _, rest = line.partition(" ")
        if step == "FROM":
            found.append(Stage(rest.split()[0]))
        elif line:
            found[-1].steps.append((step, rest.strip()))
    return found


def compose() -> dict[str, Any]:
    """The services, volumes and secrets of compose.yaml."""
    read: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return read


def manifests() -> list[dict[str, Any]]:
    """Every object of Kubernetes."""
    return [each for file in KUBERNETES for each in yaml.safe_load_all(file.read_text("utf-8"))]


def unit() -> dict[str, list[str]]:
    """The settings of the systemd unit, with its specifiers replaced."""
    settings: dict[str, list[str]] = {}
    for line in (DEPLOY / "ratecast.service").read_text("utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            for specifier, meant in _SPECIFIERS.items():
                value = value.replace(specifier, meant)
            settings.setdefault(name, []).append(value)
    return settings


def expressions() -> list[str]:
    """Every expression of the dashboard and of the alert rules, for Prometheus."""
    board = json.loads((DEPLOY / "grafana.json").read_text("utf-8"))
    rules = yaml.safe_load((DEPLOY / "alerts.yaml").read_text("utf-8"))
    found = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return found + [rule["expr"] for group in rules["groups"] for rule in group["rules"]]

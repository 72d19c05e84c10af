"""The files in deploy/ as the programs see them that will read them: `make test-deploy`."""

from pathlib import Path

import pytest

from tests.serving.deploy import tools
from tests.serving.deploy.files import DEPLOY, KUBERNETES, ROOT

pytestmark = pytest.mark.deploy
# The unit may do little to the machine: systemd's scale goes to 10.
EXPOSURE = 2.0


def test_hadolint_finds_no_fault_in_the_dockerfile() -> None:
    assert tools.run(tools.program("hadolint"), ROOT / "Dockerfile") == ""


def test_the_objects_of_kubernetes_are_of_its_schemas() -> None:
    checked = tools.run(tools.program("kubernetes-validate"), "--strict", *KUBERNETES)
    assert checked.count(" passed ") == 7


def test_promtool_takes_the_alerts_and_they_fire() -> None:
    promtool = tools.program("promtool")
    assert "7 rules found" in tools.run(promtool, "check", "rules", DEPLOY / "alerts.yaml")
    tools.run(promtool, "test", "rules", Path(__file__).with_name("alerts_test.yaml"))


def test_systemd_takes_the_unit_and_finds_it_closed(tmp_path: Path) -> None:
    systemd, unit = tools.program("systemd-analyze"), tmp_path / "ratecast.service"
    text = (DEPLOY / "ratecast.service").read_text("utf-8")
    # The program must be there.
    unit.write_text(text.replace("/opt/ratecast/bin/ratecast", "/bin/true"))
    assert tools.run(systemd, "verify", unit) == ""
    found = tools.run(systemd, "security", "--offline=true", unit)
    level = found.partition("Overall exposure level for ratecast.service: ")[2].split()[0]
    assert float(level) <= EXPOSURE


def test_caddy_takes_its_file() -> None:
    caddy, file = tools.program("caddy"), DEPLOY / "Caddyfile"
    assert "Valid configuration" in tools.run(caddy, "validate", "--config", file)
    assert tools.run(caddy, "fmt", file) == file.read_text("utf-8")

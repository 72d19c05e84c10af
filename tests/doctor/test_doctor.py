"""The doctor finds what is wrong, and says what to do about it."""

import json
from email.message import Message
from pathlib import Path

import pytest

from ratecast.cli import main
from ratecast.data import package_index
from ratecast.data.download import UnreachableError
from ratecast.doctor import Check, facts, packages, sources
from ratecast.optional_packages import install_command

Say = pytest.CaptureFixture[str]


def unreachable(*_: object) -> None:
    raise UnreachableError("no such host")


@pytest.mark.usefixtures("ml100k")
def test_a_good_machine_passes(capsys: Say) -> None:
    assert main(["doctor", "--offline", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is True
    assert found["checks"]["Machine"]["compiled kernels"]["ok"] is True
    assert {"cache", "disk"} <= found["checks"]["Data"].keys()
    assert main(["doctor", "--offline"]) == 0
    assert "All required checks pass." in capsys.readouterr().out


def test_a_cache_that_cannot_be_written_fails_with_the_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Say
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RATECAST_HOME", str(tmp_path / "file" / "cache"))
    assert main(["doctor", "--offline"]) == 1
    out = capsys.readouterr().out
    assert "✗ cache: set RATECAST_HOME to a writable folder" in out


def test_without_any_source_and_without_data_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATECAST_HOME", str(tmp_path))
    monkeypatch.setattr(sources, "probe", unreachable)
    monkeypatch.setattr(package_index, "probe", unreachable)
    reached = [probe() for probe in sources.PROBES]
    assert [check.ok for check in reached] == [None, None]
    *_, last = sources.with_verdict(reached)
    assert last.ok is False
    assert "data fetch ml-100k --from PATH" in last.next_step


def test_one_source_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATECAST_HOME", str(tmp_path))
    monkeypatch.setattr(sources, "probe", unreachable)
    monkeypatch.setattr(package_index, "probe", lambda _: None)
    assert all(
        check.ok is not False for check in sources.with_verdict([p() for p in sources.PROBES])
    )


def test_a_package_that_is_missing_or_too_old_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["rich>=999", "no-such-package>=1", 'no-such-extra>=2; extra == "serve"']
    monkeypatch.setattr(packages, "requires", lambda _: lines)
    by_name = {check.name: check for check in packages.examine()}
    assert by_name["rich"].ok is False
    assert by_name["rich"].next_step == "pip install 'rich>=999'"
    assert by_name["no-such-package"].value == "missing"
    assert "no-such-extra" not in by_name


def test_an_extra_that_is_missing_is_told_and_fails_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    about = Message()
    about["Requires-Python"] = ">=3.11"
    for name in ("dev", "serve", "tune"):
        about["Provides-Extra"] = name
    lines = ['no-such-server>=2; extra == "serve"', 'rich>=1; extra == "tune"']
    monkeypatch.setattr(packages, "metadata", lambda _: about)
    monkeypatch.setattr(packages, "requires", lambda _: lines)
    extras = {check.name: check for check in packages.examine() if check.group == "Extras"}
    assert extras.keys() == {"serve", "tune"}
    assert extras["tune"].ok is True
    assert extras["serve"].ok is None
    assert extras["serve"].next_step == install_command("serve")


def test_what_is_only_told_fails_nothing() -> None:
    told = Check("Machine", "accelerator", "none")
    assert facts([told]) == {
        "ok": True,
        "failed": [],
        "checks": {"Machine": {"accelerator": {"value": "none", "ok": None}}},
    }

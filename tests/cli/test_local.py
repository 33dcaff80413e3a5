import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commonpool.cli.local import app
from commonpool.cli.progress import ConsoleTeller
from commonpool.errors import UserError
from commonpool.local.memory import Memory, write_memory
from commonpool.local.places import Places


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    places = Places(tmp_path / "commonpool" / "default")
    places.make()
    return places


@pytest.mark.parametrize("output", ["json", "yaml", "table"])
def test_status_says_where_things_are_in_every_form(places: Places, output: str) -> None:
    answer = CliRunner().invoke(app, ["status", "-o", output])
    assert answer.exit_code == 0
    assert str(places.kubeconfig) in answer.stdout
    assert str(places.logs / "apiserver.log") in answer.stdout


def test_status_for_programs_has_each_process_with_name_pid_log_and_state(places: Places) -> None:
    report = json.loads(CliRunner().invoke(app, ["status", "-o", "json"]).stdout)
    assert set(report) == {"name", "kubeconfig", "auditLog", "processes"}
    assert [process["name"] for process in report["processes"]][:2] == ["etcd", "apiserver"]
    assert report["processes"][0] == {"name": "etcd", "pid": None, "log": str(places.logs / "etcd.log"), "state": "off"}


def test_status_answers_no_when_something_that_should_run_does_not(places: Places) -> None:
    write_memory(places.memory, Memory(pool=False))
    answer = CliRunner().invoke(app, ["status"])
    assert answer.exit_code == 3
    assert answer.stdout.count("stopped") == 4


def test_down_where_nothing_runs_is_done(places: Places) -> None:
    answer = CliRunner().invoke(app, ["down", "--delete"])
    assert answer.exit_code == 0
    assert not places.root.exists()


def test_a_bad_fleet_file_is_refused_before_anything_starts(places: Places, tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text("groups: []")
    answer = CliRunner().invoke(app, ["up", "--fleet", str(tmp_path / "fleet.yaml")])
    assert isinstance(answer.exception, UserError)
    assert not places.memory.exists()


def test_on_a_pipe_long_work_is_a_plain_line_now_and_then(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console  # noqa: PLC0415 - after capsys replaced stderr

    now = 100.0
    monkeypatch.setattr("commonpool.cli.progress.time.monotonic", lambda: now)
    teller = ConsoleTeller(Console(stderr=True))
    for _ in range(31):
        now += 1
        teller.advance("compiling", 7, 70)
    teller.close()
    assert capsys.readouterr().err.splitlines() == ["  15s  compiling: 7 of 70", "  30s  compiling: 7 of 70"]


def test_an_image_that_is_not_in_the_catalogue_is_refused_with_those_that_are(places: Places) -> None:  # noqa: ARG001 - not the person's own
    answer = CliRunner().invoke(app, ["image", "jax"])
    assert isinstance(answer.exception, UserError)
    assert answer.exception.hint == "there are mpi, torch"


def test_an_image_is_not_made_where_no_real_node_would_get_it(places: Places) -> None:  # noqa: ARG001 - the same
    answer = CliRunner().invoke(app, ["image", "torch"])
    assert isinstance(answer.exception, UserError)
    assert "no real node of the cluster `default` runs" in answer.exception.message

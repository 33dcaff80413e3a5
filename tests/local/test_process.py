import os
import sys
from pathlib import Path

import pytest

from commonpool.errors import SetupError
from commonpool.local.places import Places
from commonpool.local.process import Process, find_log, find_running, is_current, start_process, stop_process, wait_ready

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    places = Places(tmp_path / "it")
    places.make()
    return places


def _run(code: str, name: str = "it", **environment: str) -> Process:
    return Process(name, [sys.executable, "-c", code], lambda: True, environment)


def test_a_process_has_a_session_of_its_own_and_its_output_in_its_log(places: Places) -> None:
    code = "import os, time; print(os.getsid(0) == os.getpid(), os.environ['WORD'], flush=True); time.sleep(600)"
    process = Process("it", [sys.executable, "-c", code], lambda: find_log(places, "it").read_text() != "", {"WORD": "hello"})
    start_process(places, process)
    wait_ready(places, process)
    assert find_log(places, "it").read_text() == "True hello\n"
    assert stop_process(places, "it")
    assert not stop_process(places, "it")


def test_a_process_that_does_not_listen_is_killed(places: Places) -> None:
    process = Process("it", [sys.executable, "-c", STUBBORN], lambda: "deaf" in find_log(places, "it").read_text())
    identity = start_process(places, process)
    wait_ready(places, process)
    stop_process(places, "it", patience_seconds=0.2)
    assert find_running(places, "it") is None
    with pytest.raises(ProcessLookupError):
        os.kill(identity.pid, 0)


def test_a_process_that_ends_while_starting_is_told_with_its_last_words(places: Places) -> None:
    process = Process("it", [sys.executable, "-c", "raise SystemExit('no such flag: --x')"], lambda: False)
    start_process(places, process)
    with pytest.raises(SetupError, match=r"`it` ended while starting\n\n  no such flag: --x") as refusal:
        wait_ready(places, process)
    assert str(find_log(places, "it")) in refusal.value.hint


def test_a_process_that_never_serves_is_told_with_its_last_words(places: Places) -> None:
    process = Process("it", [sys.executable, "-c", STUBBORN], lambda: False, timeout_seconds=1)
    start_process(places, process)
    wait_ready(places, Process("it", process.argv, lambda: "deaf" in find_log(places, "it").read_text()))
    with pytest.raises(SetupError, match=r"`it` was not ready after 1 s\n\n  deaf"):
        wait_ready(places, process)
    stop_process(places, "it", patience_seconds=0)


def test_a_program_that_is_not_there_is_named(places: Places) -> None:
    with pytest.raises(SetupError, match="`/no/such/program` cannot be started"):
        start_process(places, Process("it", ["/no/such/program"], lambda: True))


def test_a_process_is_out_of_date_when_arguments_environment_or_files_differ(places: Places, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("old")
    code = "import time; time.sleep(600)"
    process = Process("it", [sys.executable, "-c", code], lambda: True, {"A": "1"}, reads=[file])
    assert not is_current(places, process)
    start_process(places, process)
    assert is_current(places, process)
    assert not is_current(places, _run("pass"))
    assert not is_current(places, _run(code, A="2"))
    file.write_text("new")
    assert not is_current(places, process)
    stop_process(places, "it")

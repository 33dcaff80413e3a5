import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from commonpool.local import pids
from commonpool.local.pids import MARK, Identity, find_identity, find_marked, find_pid, write_pid
from commonpool.local.process import send_signal, stop_identity

_MINE = f"a-test-{uuid4().hex}"
"""Another process may run these tests beside this one."""
SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(SLEEP, env={**os.environ, MARK: _MINE}) as process:
        yield process
        process.kill()


def test_a_running_process_is_found_by_its_file(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    identity = find_identity(sleeper.pid)
    assert identity is not None
    write_pid(tmp_path / "x", identity)
    assert find_pid(tmp_path / "x") == identity


def test_a_reused_pid_is_not_taken_for_ours(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    write_pid(tmp_path / "x", Identity(sleeper.pid, "another-boot/1"))
    assert find_pid(tmp_path / "x") is None


def test_who_looks_takes_nothing_from_who_starts_it_just_then(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    """`status` beside `up`: between reading the old file and finding nobody, the new one is written."""
    started = find_identity(sleeper.pid)
    assert started is not None
    write_pid(tmp_path / "x", Identity(99999999, "this-boot/1"))
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(pids, "find_identity", lambda _pid: write_pid(tmp_path / "x", started))
        assert find_pid(tmp_path / "x") is None
    assert find_pid(tmp_path / "x") == started


def test_a_signal_for_a_gone_process_does_not_hit_the_one_that_has_its_pid_now(sleeper: subprocess.Popen[bytes]) -> None:
    stale = Identity(sleeper.pid, "another-boot/1")
    send_signal(stale, signal.SIGKILL)
    stop_identity(stale, patience_seconds=5)
    assert sleeper.poll() is None


def test_a_zombie_is_gone(sleeper: subprocess.Popen[bytes]) -> None:
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert find_identity(sleeper.pid) is None


@pytest.mark.parametrize("content", ["", "nonsense", "12", "-1 x", "99999999 boot/1"])
def test_a_damaged_file_speaks_of_nobody(tmp_path: Path, content: str) -> None:
    (tmp_path / "x").write_text(content)
    assert find_pid(tmp_path / "x") is None


def test_a_process_that_nobody_wrote_down_is_found_by_its_mark(sleeper: subprocess.Popen[bytes]) -> None:
    assert [identity.pid for identity in find_marked(_MINE)] == [sleeper.pid]
    assert find_marked(_MINE[:-1]) == []

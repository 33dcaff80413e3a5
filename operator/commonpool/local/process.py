"""One process of the control plane: started in a session of its own, waited for, told to stop, and stopped if it does not listen."""

import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from commonpool.errors import SetupError
from commonpool.local.pids import MARK, Identity, find_identity, find_pid, reap, write_pid
from commonpool.local.places import Places

_POLL_SECONDS = 0.05
_TAIL_LINES = 15


@dataclass(frozen=True, slots=True)
class Process:
    """What to run and how to know that it serves. `reads` are files that it reads at its start only."""

    name: str
    argv: list[str]
    ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    reads: Sequence[Path] = ()
    timeout_seconds: float = 120  # seconds where nobody compiles beside it

    def fingerprint(self) -> str:
        """Digest of all that was decided about it; if it differs from what runs, what runs is out of date."""
        digest = hashlib.sha256(repr((self.argv, sorted(self.environment.items()))).encode())
        for file in self.reads:
            digest.update(file.read_bytes())
        return digest.hexdigest()


def find_running(places: Places, name: str) -> Identity | None:
    """Find the running process of that name."""
    return find_pid(_pid_file(places, name))


def list_running(places: Places) -> dict[str, Identity]:
    """All running processes that were written down, by name."""
    names = sorted(file.name for file in places.pids.glob("*") if not file.suffix)
    return {name: identity for name in names if (identity := find_running(places, name))}


def is_current(places: Places, process: Process) -> bool:
    """Whether what runs under that name was started as `process` says."""
    try:
        return _print_file(places, process.name).read_text(encoding="ascii") == process.fingerprint()
    except FileNotFoundError:
        return False


def find_log(places: Places, name: str) -> Path:
    """The file that takes the process's output."""
    return places.logs / f"{name}.log"


def start_process(places: Places, process: Process) -> Identity:
    """Start it and return at once.

    A session of its own: Ctrl-C in the caller's terminal reaches the caller alone, who then decides.
    """
    log = find_log(places, process.name)
    _print_file(places, process.name).write_text(process.fingerprint(), encoding="ascii")
    environment = {**os.environ, **process.environment, MARK: str(places.root)}
    with log.open("ab") as output:
        try:
            child = subprocess.Popen(
                process.argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=places.root,
                start_new_session=True,
            )
        except OSError as error:
            raise SetupError(f"`{process.argv[0]}` cannot be started: {error}") from error
    identity = find_identity(child.pid) or Identity(child.pid, "gone")
    write_pid(_pid_file(places, process.name), identity)
    child.returncode = 0  # it outlives this object; `reap` collects it if it ends while we live
    return identity


def wait_ready(places: Places, process: Process) -> None:
    """Wait until it serves; if it ends before or takes too long, say so with the last lines of its log."""
    deadline = time.monotonic() + process.timeout_seconds
    while not process.ready():
        if find_running(places, process.name) is None:
            raise SetupError(
                f"`{process.name}` ended while starting\n\n{read_tail(places, process.name)}", hint=_log_hint(places, process.name)
            )
        if time.monotonic() > deadline:
            raise SetupError(
                f"`{process.name}` was not ready after {process.timeout_seconds:.0f} s\n\n{read_tail(places, process.name)}",
                hint=_log_hint(places, process.name),
            )
        time.sleep(_POLL_SECONDS)


def stop_process(places: Places, name: str, *, patience_seconds: float = 10) -> bool:
    """Stop it, first politely; returns whether there was one."""
    identity = find_running(places, name)
    if identity is None:
        return False
    stop_identity(identity, patience_seconds=patience_seconds)
    _pid_file(places, name).unlink(missing_ok=True)
    return True


def stop_identity(identity: Identity, *, patience_seconds: float) -> None:
    """SIGTERM, wait, SIGKILL, wait."""
    for number, patience in ((signal.SIGTERM, patience_seconds), (signal.SIGKILL, 10.0)):
        send_signal(identity, number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            reap(identity.pid)
            if find_identity(identity.pid) != identity:
                return
            time.sleep(_POLL_SECONDS / 2)
    raise SetupError(f"process {identity.pid} does not end, not even on SIGKILL")


def send_signal(identity: Identity, number: signal.Signals) -> None:
    """Send a signal to exactly this process, or to nobody."""
    if find_identity(identity.pid) == identity:
        with suppress(ProcessLookupError):
            os.kill(identity.pid, number)


def read_tail(places: Places, name: str) -> str:
    """The last lines of its log, indented, each of readable length."""
    try:
        lines = find_log(places, name).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "  (no log)"
    return "\n".join(f"  {line[:240]}" for line in lines[-_TAIL_LINES:]) or "  (the log is empty)"


def _pid_file(places: Places, name: str) -> Path:
    return places.pids / name


def _print_file(places: Places, name: str) -> Path:
    return places.pids / f"{name}.started-as"


def _log_hint(places: Places, name: str) -> str:
    return f"the whole log: {find_log(places, name)}"

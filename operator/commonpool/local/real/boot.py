"""The first process of a real node: makes the node's file system, then keeps its daemons running as an init does."""

import os
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from commonpool.local.pids import MARK
from commonpool.local.real.addresses import FABRIC
from commonpool.local.real.cgroups import Hierarchy, find_hierarchies
from commonpool.local.real.daemons import BINARIES, CONTAINERD, CONTAINERD_SOCKET, SETTINGS, Daemon, build_daemons
from commonpool.local.real.spec import NodeSpec

PART = "COMMONPOOL_LOCAL_PART"
"""In a daemon's environment: `node/daemon`, for who looks at the machine's processes."""
_IMAGES = "/opt/images"
_OLD = "/old"
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_RESTART_SECONDS = 1.0
_START_SECONDS = 30
_POLL_SECONDS = 0.05
# What a kubelet sets on its machine, and the machine is not the node's alone: the node has files of its own in their place.
_KERNEL = {
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1_000_000,
    "kernel/keys/root_maxbytes": 25_000_000,
}


def boot(spec: NodeSpec) -> NoReturn:
    """Run the node until SIGTERM; never returns."""
    try:
        _Init(spec).run()
    except BaseException:  # noqa: BLE001 - nobody is above the first process
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


class _Init:
    def __init__(self, spec: NodeSpec) -> None:
        self._spec = spec
        self._running: dict[int, Daemon] = {}
        self._due: dict[Daemon, float] = {}
        self._logs: dict[str, int] = {}
        mark = os.environ.get(MARK, "")
        self._environment = {"PATH": _PATH, "HOME": "/root", MARK: mark}

    def run(self) -> None:
        spec = self._spec
        daemons = build_daemons(spec)
        for daemon in (CONTAINERD, *daemons):
            log = spec.logs / f"{spec.name}-{daemon.name}.log"
            self._logs[daemon.name] = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, signal.SIGTERM})
        socket.sethostname(spec.name)
        _make_file_system(spec, find_hierarchies())
        self._start(CONTAINERD)
        self._wait_containerd()
        self._import_images([image.name for image in spec.images])
        Path(SETTINGS, spec.booted.name).touch()
        for daemon in daemons:
            self._start(daemon)
        while self._keep_running():
            pass
        self._stop()

    def _start(self, daemon: Daemon) -> None:
        self._running[self._spawn(daemon.name, daemon.argv)] = daemon

    def _spawn(self, name: str, argv: tuple[str, ...]) -> int:
        log = self._logs[name]
        return os.posix_spawn(
            argv[0],
            argv,
            {**self._environment, PART: f"{self._spec.name}/{name}"},
            file_actions=[(os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)],
            setsigmask=(),
        )

    def _wait_containerd(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.connect(CONTAINERD_SOCKET)
                return
            if time.monotonic() > deadline:
                raise TimeoutError(CONTAINERD_SOCKET)
            time.sleep(_POLL_SECONDS)

    def _import_images(self, names: Sequence[str]) -> None:
        """Those that this node's containerd does not have from an earlier life."""
        known = Path("/var/lib/containerd/imported")
        known.mkdir(exist_ok=True)
        for name in names:
            if not (known / name).exists():
                argv = ("/usr/bin/ctr", "--namespace=k8s.io", "images", "import", f"{_IMAGES}/{name}")
                _, status = os.waitpid(self._spawn(CONTAINERD.name, argv), 0)
                if os.waitstatus_to_exitcode(status) != 0:
                    raise RuntimeError(f"`{name}` cannot be imported")
                (known / name).touch()

    def _keep_running(self) -> bool:
        """Wait for one thing to happen and see to it; False if that is the end."""
        wait = min(self._due.values(), default=0.0) - time.monotonic() if self._due else _START_SECONDS
        heard = signal.sigtimedwait({signal.SIGCHLD, signal.SIGTERM}, max(0.0, wait))
        if heard is not None and heard.si_signo == signal.SIGTERM:
            return False
        for pid in iter(_reap, 0):
            if daemon := self._running.pop(pid, None):
                self._due[daemon] = time.monotonic() + _RESTART_SECONDS
        for daemon in [daemon for daemon, due in self._due.items() if due <= time.monotonic()]:
            del self._due[daemon]
            self._start(daemon)
        return True

    def _stop(self) -> None:
        """Let the daemons write down what they have in hand; what they run ends with the node."""
        for pid in self._running:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 1
        while self._running and time.monotonic() < deadline:
            signal.sigtimedwait({signal.SIGCHLD}, _POLL_SECONDS)
            for pid in iter(_reap, 0):
                self._running.pop(pid, None)


def _reap() -> int:
    """The next process that has ended, ours or one that was left to us; 0 if there is none."""
    try:
        return os.waitpid(-1, os.WNOHANG)[0]
    except ChildProcessError:
        return 0


def _make_file_system(spec: NodeSpec, hierarchies: Sequence[Hierarchy]) -> None:
    """Debian's packages with the node's own writes above, its own /proc, /sys, /run, cgroups; nothing of the machine but its devices."""
    root = spec.disk / "root"
    _mount("--make-rprivate", "/")
    layers = f"lowerdir={spec.root},upperdir={spec.disk / 'upper'},workdir={spec.disk / 'work'}"
    _mount("-t", "overlay", "-o", layers, "overlay", root)
    for kind, at, *options in (("proc", "proc"), ("sysfs", "sys"), ("tmpfs", "run", "-o", "mode=755"), ("tmpfs", "tmp")):
        _mount("-t", kind, *options, kind, _make(root / at))
    _mount("--rbind", "/dev", _make(root / "dev"))
    _mount_cgroups(root, hierarchies)
    folders = {
        spec.disk / "containerd": "var/lib/containerd",
        spec.disk / "kubelet": "var/lib/kubelet",
        spec.settings: SETTINGS[1:],
        spec.binaries: BINARIES[1:],
        spec.images[0].parent: _IMAGES[1:],
    }
    for source, at in folders.items():
        _mount("--bind", source, _make(root / at))
    for name, value in _KERNEL.items():
        file = _make((root / "run" / "kernel" / name).parent) / Path(name).name
        file.write_text(f"{value}\n", encoding="ascii")
        _mount("--bind", file, root / "proc" / "sys" / name)
    (root / "proc/sys/net/ipv4/ip_forward").write_text("1", encoding="ascii")
    files = {
        "hostname": spec.name,
        "hosts": f"127.0.0.1 localhost\n{spec.address} {spec.name}",
        "machine-id": f"{spec.number:032x}",
        "resolv.conf": f"nameserver {FABRIC}",
    }
    for name, text in files.items():
        (root / "etc" / name).write_text(f"{text}\n", encoding="utf-8")
    _make(root / _OLD[1:])
    _run("pivot_root", root, root / _OLD[1:])  # moves everybody who is in the old root, this process too
    os.chdir("/")
    _run("umount", "--recursive", "--lazy", _OLD)
    _mount("--make-rshared", "/")


def _mount_cgroups(root: Path, hierarchies: Sequence[Hierarchy]) -> None:
    """The same trees in the same places, whichever version they are; in this namespace each begins at the node's own cgroup."""
    top = root / "sys" / "fs" / "cgroup"
    if any(hierarchy.kind == "cgroup" for hierarchy in hierarchies):
        _mount("-t", "tmpfs", "tmpfs", top)
    for hierarchy in hierarchies:
        at = _make(root / str(hierarchy.folder)[1:])
        _mount("-t", hierarchy.kind, *(("-o", hierarchy.options) if hierarchy.options else ()), "cgroup", at)


def _make(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _mount(*arguments: str | Path) -> None:
    _run("mount", *arguments)


def _run(*argv: str | Path) -> None:
    subprocess.run(argv, check=True)

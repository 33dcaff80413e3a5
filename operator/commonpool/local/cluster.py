"""One local cluster: brings it up, completes it, breaks single processes for stories, takes it down."""

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from commonpool.config import Settings
from commonpool.errors import UserError
from commonpool.local.binaries import Binaries
from commonpool.local.chart import install_chart
from commonpool.local.client import Client
from commonpool.local.fleet import Fleet
from commonpool.local.kubernetes import CONTROL_PLANE, Builder
from commonpool.local.locks import hold_lock
from commonpool.local.memory import Memory, read_memory, write_memory
from commonpool.local.nodes import apply_fleet
from commonpool.local.pids import Identity, find_identity, find_marked
from commonpool.local.places import find_places, find_source
from commonpool.local.pool import POOL
from commonpool.local.process import (
    Process,
    find_log,
    find_running,
    is_current,
    list_running,
    send_signal,
    start_process,
    stop_identity,
    stop_process,
    wait_ready,
)
from commonpool.local.real.builders import DNS, NETWORK, REAL, list_real
from commonpool.local.real.cgroups import find_cgroups, name_cgroup, remove_cgroup
from commonpool.local.real.group import check_count, check_fleet
from commonpool.local.real.imports import import_image
from commonpool.local.real.namespaces import is_within
from commonpool.local.real.obstacle import refuse_obstacle
from commonpool.local.real.rights import apply_rights, remove_nodes
from commonpool.local.real.stock import make_stock
from commonpool.local.site import Site
from commonpool.local.teller import Teller
from commonpool.local.waiting import wait_until

BUILDERS: dict[str, Builder] = {**CONTROL_PLANE, **REAL, **POOL}  # in the order in which they start; they stop the other way round
_ETCD_PATIENCE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Wish:
    """What `up` shall bring; none means as it was, or the default the first time."""

    fleet: Fleet | None = None
    pool: bool | None = None
    operator: bool | None = None
    audit: bool | None = None
    fairness: bool | None = None
    recordings: bool | None = None
    real_nodes: int | None = None


@dataclass(frozen=True, slots=True)
class ProcessState:
    """One process as `status` tells it; `state` is running, stopped (wanted, not there) or off (not wanted)."""

    name: str
    pid: int | None
    log: Path
    state: str


class LocalCluster:
    """One cluster by its name. Several can run side by side; two calls on the same one wait for each other."""

    def __init__(self, settings: Settings, name: str, teller: Teller) -> None:
        self.places = find_places(settings, name)
        self._teller = teller
        self._binaries = Binaries(find_source(settings), settings.cache_dir, teller)

    @property
    def kubeconfig(self) -> Path:
        """The admin's kubeconfig."""
        return self.places.kubeconfig

    def user_kubeconfig(self, user: str) -> Path:
        """The kubeconfig of a user of the fleet file."""
        return self.places.user_kubeconfig(user)

    def log(self, name: str) -> Path:
        """The log file of a process."""
        return find_log(self.places, name)

    def client(self) -> Client:
        """The admin's client."""
        return self._site().client()

    def find_program(self, program: str) -> Path:
        """One of `binaries.PROGRAMS`, as this cluster runs it; built if need be."""
        return self._binaries.find(program)

    def processes(self) -> list[ProcessState]:
        """All processes in the order in which they start; of real nodes those only that are wanted."""
        wanted = self._wanted(read_memory(self.places.memory)) if self.places.memory.exists() else []
        states = []
        for name in BUILDERS:
            identity = find_running(self.places, name)
            if name in REAL and name not in wanted and not identity:
                continue
            state = "running" if identity else "stopped" if name in wanted else "off"
            states.append(ProcessState(name, identity.pid if identity else None, self.log(name), state))
        return states

    def up(self, wish: Wish, *, fresh: bool = False) -> None:
        """Bring it up, or complete what is there: processes that died or are out of date are started again, the rest is kept.

        If this fails or is interrupted, the processes that it started are stopped again; the cluster's state is kept. What cannot be
        done at all is refused before anything is made or forgotten.
        """
        with self._alone():
            memory = Memory() if fresh else read_memory(self.places.memory)
            _take_wish(memory, wish)
            if memory.real_nodes:
                check_count(memory.real_nodes)
                refuse_obstacle()
                check_fleet(memory.fleet)
            if fresh:
                self._stop_all()
                shutil.rmtree(self.places.root, ignore_errors=True)
            self.places.make()
            self._binaries.build_all(pool=memory.pool)
            if memory.real_nodes:
                make_stock(self._binaries)
            write_memory(self.places.memory, memory)
            self._stop_strays()
            self._stop_unwanted(memory)
            with self._undo_on_failure() as started:
                self._bring_up(memory, started)

    def down(self, *, delete: bool = False) -> bool:
        """Stop everything; its state is kept unless `delete`. Returns whether anything ran."""
        with self._alone():
            stopped = self._stop_all()
            if delete:
                shutil.rmtree(self.places.root, ignore_errors=True)
        return stopped

    def start(self, name: str) -> None:
        """Start one process and wait until it serves; one that runs is kept if it is up to date. A new network takes new nodes."""
        with self._alone():
            site = self._site()
            for each in list_real(site.memory.real_nodes) if name == NETWORK else [name]:
                self._start(site, each)

    def stop(self, name: str) -> None:
        """Stop one process politely."""
        _check_name(name)
        with self._alone():
            stop_process(self.places, name)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to one process; after SIGKILL, wait until it is gone."""
        _check_name(name)
        identity = find_running(self.places, name)
        if identity is None:
            raise UserError(f"`{name}` does not run")
        send_signal(identity, number)
        if number is signal.SIGKILL:
            wait_until(lambda: find_running(self.places, name) is None, f"`{name}` is gone", 10)

    def add_image(self, image: Path) -> list[str]:
        """Give an image (a tar of an OCI layout) to all real nodes that run; returns their names."""
        running = self.get_real_nodes()
        for node in running.values():
            import_image(node, image)
        return list(running)

    def list_real_nodes(self) -> dict[str, Identity]:
        """Those that run."""
        return {name: node for name in REAL if name not in {NETWORK, DNS} and (node := find_running(self.places, name))}

    def get_real_nodes(self) -> dict[str, Identity]:
        """Those that run; UserError if none does."""
        running = self.list_real_nodes()
        if not running:
            raise UserError(
                f"no real node of the cluster `{self.places.name}` runs", hint="`commonpool local up --real-nodes 1` starts one"
            )
        return running

    def _bring_up(self, memory: Memory, started: list[str]) -> None:
        site = self._site(memory)
        site.pinned = any(find_running(self.places, name) for name in BUILDERS)
        for name in CONTROL_PLANE:
            self._start(site, name, started)
        if memory.fleet:
            apply_fleet(site.client(), memory.fleet, self._teller)
        if memory.pool:
            new_kinds = install_chart(site, self._teller)
            write_memory(self.places.memory, memory)
            if new_kinds:
                self._restart_counting(site, started)
        if memory.real_nodes or (self.places.root / "real").is_dir():
            self._bring_up_real(site, started)
        for name in POOL:
            if name in self._wanted(memory):
                self._start(site, name, started)

    def _restart_counting(self, site: Site, started: list[str]) -> None:
        """Let the quota controller see new kinds now: it looks every 30 s, and where a quota came first tenants are refused for minutes."""
        stop_process(self.places, "controller-manager")
        self._start(site, "controller-manager", started)

    def _bring_up_real(self, site: Site, started: list[str]) -> None:
        """Nodes boot side by side."""
        wanted = list_real(site.memory.real_nodes)
        remove_nodes(site.client(), set(wanted))
        if not wanted:
            return
        apply_rights(site.client())
        network, dns, *nodes = wanted
        self._start(site, network, started)
        self._start(site, dns, started)
        for process in [self._launch(site, name, started) for name in nodes]:
            wait_ready(self.places, process)

    def _start(self, site: Site, name: str, started: list[str] | None = None) -> None:
        wait_ready(self.places, self._launch(site, name, started))

    def _launch(self, site: Site, name: str, started: list[str] | None) -> Process:
        """Start it if it does not run, or not as it should; it may take its time to serve."""
        _check_name(name)
        site.serving = find_running(self.places, name) is not None
        process = BUILDERS[name](site)
        if site.serving and not is_current(self.places, process):
            self._teller.say(f"stopping {name}: it runs with other files or flags than there are now")
            self._stop_from(name)
            site.serving = False
        if not site.serving:
            self._teller.say(f"starting {name}")
            if started is not None:
                started.append(name)
            start_process(self.places, process)
        return process

    @contextmanager
    def _undo_on_failure(self) -> Iterator[list[str]]:
        started: list[str] = []
        try:
            yield started
        except BaseException:
            if started:
                self._teller.say(f"stopping again what was started: {', '.join(started)}")
            for name in reversed(started):
                stop_process(self.places, name, patience_seconds=_ETCD_PATIENCE_SECONDS)
            self._stop_strays()
            raise

    def _stop_all(self) -> bool:
        """In the order that ends in a second: etcd last, else the apiserver ignores SIGTERM; first of all what others started beside."""
        beside = [name for name in list_running(self.places) if name not in BUILDERS]
        names = [*beside, *reversed(BUILDERS)]
        stopped = [stop_process(self.places, name, patience_seconds=_ETCD_PATIENCE_SECONDS) for name in names]
        return self._stop_strays() or any(stopped)

    def _stop_from(self, name: str) -> None:
        """Stop a process and all that lean on it: the apiserver's end would take ten seconds, and a network takes its nodes along."""
        names = list(BUILDERS)
        leaning = names[names.index(name) :] if name in {"etcd", "apiserver"} else list(REAL) if name == NETWORK else [name]
        for each in reversed(leaning):
            stop_process(self.places, each, patience_seconds=_ETCD_PATIENCE_SECONDS)

    def _stop_strays(self) -> bool:
        """What a killed `up` had started and not written down, and what our processes left behind."""
        strays = self._find_strays()
        # Last what lives in a node: it ends with the process that holds the node, and what is stopped there alone is started again.
        strays.sort(key=lambda identity: any(is_within(identity.pid, other.pid) for other in strays))
        for identity in strays:
            if find_identity(identity.pid) == identity:
                self._teller.say(f"stopping process {identity.pid}, left over from an `up` that was killed")
                stop_identity(identity, patience_seconds=3)
        self._remove_empty_cgroups()
        return bool(strays)

    def _find_strays(self) -> list[Identity]:
        known = set(list_running(self.places).values())
        marked = [identity for identity in find_marked(str(self.places.root)) if identity not in known]
        return [identity for identity in marked if not any(is_within(identity.pid, node.pid) for node in known)]

    def _remove_empty_cgroups(self) -> None:
        """Those of nodes that do not run any more; the name they have in common goes with the last."""
        top = name_cgroup(self.places)
        for name in {folder.name for folder in find_cgroups(top)} & set(REAL):
            if find_running(self.places, name) is None:
                remove_cgroup(f"{top}/{name}")
        if not any(find_running(self.places, name) for name in REAL):
            remove_cgroup(top)

    def _stop_unwanted(self, memory: Memory) -> None:
        wanted = self._wanted(memory)
        for name in reversed(BUILDERS):
            if name not in wanted:
                stop_process(self.places, name)
        self._remove_empty_cgroups()

    @staticmethod
    def _wanted(memory: Memory) -> list[str]:
        scalable = memory.fleet is not None and any(group.most is not None for group in memory.fleet.groups)
        off = ({"operator"} if not memory.operator else set()) | ({"machines"} if not scalable else set())
        off |= set(REAL) - set(list_real(memory.real_nodes))
        return [name for name in BUILDERS if (memory.pool or name not in POOL) and name not in off]

    def _site(self, memory: Memory | None = None) -> Site:
        return Site(self.places, memory or read_memory(self.places.memory), self._binaries, pinned=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        lock = self.places.root.with_name(f".{self.places.name}.lock")
        with hold_lock(lock, f"is working on the cluster `{self.places.name}`", self._teller):
            yield


def _take_wish(memory: Memory, wish: Wish) -> None:
    memory.fleet = wish.fleet or memory.fleet
    memory.pool = memory.pool if wish.pool is None else wish.pool
    memory.operator = memory.operator if wish.operator is None else wish.operator
    memory.audit = memory.audit if wish.audit is None else wish.audit
    memory.real_nodes = memory.real_nodes if wish.real_nodes is None else wish.real_nodes
    memory.fairness = memory.fairness if wish.fairness is None else wish.fairness
    memory.recordings = memory.recordings if wish.recordings is None else wish.recordings


def _check_name(name: str) -> None:
    if name not in BUILDERS:
        raise UserError(f"there is no process `{name}`", hint=f"there are {', '.join(BUILDERS)}")

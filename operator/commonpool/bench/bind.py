"""`bench bind`: how many pods a second are created and bound, what each costs, and how long it waits."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from commonpool.bench.audit import Account, Tail
from commonpool.bench.cpu import read_all_cpu_ms, read_machine_cpu_ms, read_peak_mib
from commonpool.bench.load import Load, Order
from commonpool.bench.plane import NAMESPACE, ON_THE_POOL, USER, WAITING, build_fleet, open_cluster
from commonpool.bench.setting import Mode, Setting
from commonpool.bench.stock import NAME as STOCK_SCHEDULER
from commonpool.config import Settings
from commonpool.errors import ClusterError
from commonpool.local.client import Client, Manifest
from commonpool.local.cluster import LocalCluster
from commonpool.local.fleet import build_nodes
from commonpool.local.process import find_running
from commonpool.local.teller import Teller

_TICK_SECONDS = 0.1
_QUIET_SECONDS = 6.0
"""Longer than the operator keeps any news back, so that no write is left out."""
_LONGEST_QUIET_SECONDS = 60.0
_LOADS = {Mode.CEILING: "ceiling", Mode.WRITES: "writes", Mode.STOCK: "pods", Mode.POOL: "gangs", Mode.JOBS: "jobs"}


@dataclass(frozen=True, slots=True)
class Run:
    """One run. CPU is of all threads of a process, user and system."""

    mode: Mode
    number: int
    pods: int
    account: Account
    cpu_ms: dict[str, float]
    """By process, from the first request until nothing was written for 6 s."""
    cpu_ms_at_last_binding: dict[str, float]
    """The same until the last binding was seen, without the load's own."""
    peak_mib: dict[str, int]
    others_cpus: float
    """How many processors, on average, were busy with other things than this run until the last binding."""
    problems: tuple[str, ...]
    """What is wrong with the result itself: pods without a node, nodes over, gangs in part."""

    @property
    def wall_seconds(self) -> float:
        """From the first request to the last binding."""
        return self.account.ended_at - self.account.began_at


def run_all(settings: Settings, setting: Setting, modes: Sequence[Mode], teller: Teller, keep: Callable[[Run], None]) -> None:
    """All runs, the modes by turns, so that a machine that slows down slows them all; each is handed to `keep` when it is done."""
    for number in range(1, setting.runs + 1):
        for mode in modes:
            teller.say(f"run {number} of {setting.runs}: {mode}")
            with open_cluster(settings, setting, mode, teller) as cluster:
                run = run_once(cluster, setting, mode, number)
            teller.say(f"{mode}: {run.pods / run.wall_seconds:.0f} pods/s" + "".join(f"; {problem}" for problem in run.problems))
            keep(run)


def run_once(cluster: LocalCluster, setting: Setting, mode: Mode, number: int) -> Run:
    """Warm the watch caches up, wait for silence, measure."""
    tail = Tail(cluster.places.audit_log)
    _warm_up(cluster, setting, mode)
    _await_quiet(tail)
    tail = Tail(cluster.places.audit_log)
    pids = _find_pids(cluster)
    before, machine_before, began = read_all_cpu_ms(pids), read_machine_cpu_ms(), time.monotonic()
    load = Load(cluster.find_program("bench-driver"), _build_order(cluster, setting, _LOADS[mode], NAMESPACE))
    try:
        _await_bindings(tail, setting, load)
        at_last, machine_ms, took_ms = read_all_cpu_ms(pids), read_machine_cpu_ms() - machine_before, 1000 * (time.monotonic() - began)
        driver_ms = load.finish(setting.timeout_seconds)
    finally:
        load.close()
    _await_quiet(tail)
    after = read_all_cpu_ms(pids)
    return Run(
        mode=mode,
        number=number,
        pods=setting.pods,
        account=tail.read_account(NAMESPACE),
        cpu_ms={name: after[name] - before[name] for name in pids} | {"driver": driver_ms},
        cpu_ms_at_last_binding={name: at_last[name] - before[name] for name in pids},
        peak_mib={name: read_peak_mib(pid) for name, pid in pids.items()},
        others_cpus=max(0.0, machine_ms - driver_ms - sum(at_last[name] - before[name] for name in pids)) / took_ms,
        problems=find_problems(read_pods(cluster.client(), NAMESPACE), setting, held=read_pods(cluster.client(), WAITING)),
    )


def _warm_up(cluster: LocalCluster, setting: Setting, mode: Mode) -> None:
    """As many pods as will be made, made and deleted; and where Jobs will be made, one that is only tried."""
    loads = [("warm", "default"), *([("try", NAMESPACE)] if mode in ON_THE_POOL else [])]
    for name, namespace in loads:
        load = Load(cluster.find_program("bench-driver"), _build_order(cluster, setting, name, namespace))
        try:
            load.finish(setting.timeout_seconds)
        finally:
            load.close()


def read_pods(client: Client, namespace: str) -> list[Manifest]:
    """All pods of a namespace."""
    pods: list[Manifest] = []
    token = ""
    while True:
        page = client.request("GET", f"/api/v1/namespaces/{namespace}/pods", query={"limit": "1000", "continue": token})
        pods += page["items"]
        token = page["metadata"].get("continue") or ""
        if not token:
            return pods


def find_problems(pods: Sequence[Manifest], setting: Setting, held: Sequence[Manifest] = ()) -> tuple[str, ...]:
    """What a right result does not have."""
    problems = []
    bound = [pod["spec"]["nodeName"] for pod in pods if pod["spec"].get("nodeName")]
    if len(bound) != setting.pods:
        problems.append(f"{len(bound)} of {setting.pods} pods are bound")
    over = sum(count > setting.gpus for count in Counter(bound).values())
    if over:
        problems.append(f"{over} nodes have more than {setting.gpus} pods")
    strays = sum(bool(pod["spec"].get("nodeName")) for pod in held)
    if strays:
        problems.append(f"{strays} pods are bound that may not")
    return tuple(problems)


def _build_order(cluster: LocalCluster, setting: Setting, load: str, namespace: str) -> Order:
    return Order(
        mode=load,
        kubeconfig=cluster.kubeconfig,
        user_kubeconfig=cluster.user_kubeconfig(USER),
        namespace=namespace,
        gangs=setting.gangs,
        size=setting.size,
        workers=setting.workers,
        nodes=tuple(node["metadata"]["name"] for node in build_nodes(build_fleet(setting, tainted=False))),
        per_node=setting.gpus,
    )


def _find_pids(cluster: LocalCluster) -> dict[str, int]:
    pids = {process.name: process.pid for process in cluster.processes() if process.pid is not None}
    stock = find_running(cluster.places, STOCK_SCHEDULER)
    return pids | ({"scheduler": stock.pid} if stock is not None else {})


def _await_bindings(tail: Tail, setting: Setting, load: Load) -> None:
    deadline = time.monotonic() + setting.timeout_seconds
    while tail.bindings < setting.pods:
        if time.monotonic() > deadline:
            raise ClusterError(f"after {setting.timeout_seconds} s only {tail.bindings} of {setting.pods} pods are bound")
        time.sleep(_TICK_SECONDS)
        load.check()
        tail.advance()


def _await_quiet(tail: Tail) -> None:
    """Until nobody has written for 6 s, but for a minute at most."""
    began = quiet_since = time.monotonic()
    tail.advance()
    seen = tail.others + tail.bindings
    while time.monotonic() - quiet_since < _QUIET_SECONDS and time.monotonic() - began < _LONGEST_QUIET_SECONDS:
        time.sleep(_TICK_SECONDS)
        tail.advance()
        if tail.others + tail.bindings != seen:
            seen, quiet_since = tail.others + tail.bindings, time.monotonic()

"""`bench restart`: how long an operator that was killed takes, from the start of its successor to that one's first right decision.

The pool is full and as many wait again. While nobody decides, one place becomes free; the first Round that the new
process writes must give that place to the workload whose turn it is, and do nothing else.
"""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from commonpool.bench.cpu import read_cpu_ms, read_machine_cpu_ms, read_start_at
from commonpool.bench.load import Load, Order
from commonpool.bench.plane import NAMESPACE, USER, open_cluster
from commonpool.bench.setting import Mode, Setting
from commonpool.config import Settings
from commonpool.errors import ClusterError
from commonpool.local.client import Client, Manifest
from commonpool.local.cluster import LocalCluster
from commonpool.local.process import find_running
from commonpool.local.teller import Teller
from commonpool.local.waiting import wait_until
from commonpool.model.names import API_VERSION
from commonpool.model.plan import Plan
from commonpool.sim.replay import parse_recording

Report = dict[str, Any]

GOAL_SECONDS = 5.0
GPUS = 8
PROCESS = "operator"
MARKS = {"loaded": "packing with", "read": "the cluster is read", "leads": "leading in epoch"}
"""What the operator logs at the end of each part of its start, in order; the last part ends when the Round is stored."""

_JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
_PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
_WORKLOADS = f"/apis/{API_VERSION}/namespaces/{NAMESPACE}/gpuworkloads"
_ROUNDS = f"/apis/{API_VERSION}/rounds"
_PATIENCE_SECONDS = 60
_SETTLE_SECONDS = 900
_LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Restart:
    """One restart. Seconds are counted from the start of the process."""

    loaded_seconds: float
    """Modules and the engine are loaded."""
    read_seconds: float
    """The whole cluster is read."""
    leads_seconds: float
    """The Lease is its own."""
    decided_seconds: float
    """The Round is stored, by the apiserver's audit log."""
    cpu_ms: float
    """Of the process, until then."""
    others_cpus: float
    """How many processors, on average, were busy with other things meanwhile; the apiserver's part of it is among them."""
    problems: tuple[str, ...]


def run_restarts(settings: Settings, workloads: int, runs: int, teller: Teller, keep: Callable[[Restart], None]) -> None:
    """One cluster with so many workloads, of which half run, and one restart after the other; each is handed to `keep`."""
    running = workloads // 2 // GPUS * GPUS
    setting = Setting(nodes=running // GPUS, gpus=GPUS, gangs=workloads, size=1)
    with open_cluster(settings, setting, Mode.JOBS, teller, recordings=True) as cluster:
        teller.say(f"making {workloads} workloads, of which {running} run")
        _fill(cluster, setting)
        _await_settled(cluster.client(), running, workloads)
        for number in range(1, runs + 1):
            restart = _restart(cluster)
            teller.say(f"run {number} of {runs}: {restart.decided_seconds:.2f} s" + "".join(f"; {each}" for each in restart.problems))
            keep(restart)
            _await_settled(cluster.client(), running, workloads - number)


def _fill(cluster: LocalCluster, setting: Setting) -> None:
    order = Order(
        mode="jobs",
        kubeconfig=cluster.kubeconfig,
        user_kubeconfig=cluster.user_kubeconfig(USER),
        namespace=NAMESPACE,
        gangs=setting.gangs,
        size=setting.size,
        workers=setting.workers,
        nodes=(),
        per_node=setting.gpus,
    )
    load = Load(cluster.find_program("bench-driver"), order)
    try:
        load.finish(setting.timeout_seconds)
    finally:
        load.close()


def _await_settled(client: Client, running: int, workloads: int) -> None:
    """Until as many hold a place as can, everybody else has been told why he waits, and nothing is owed."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while True:
        told = [each.get("status", {}) for each in client.get(_WORKLOADS)["items"]]
        waiting = sum("wait" in status for status in told)
        bound = sum(bool(pod["spec"].get("nodeName")) for pod in client.get(_PODS)["items"])
        if (len(told), bound, waiting) == (workloads, running, workloads - running) and not client.get(_ROUNDS)["items"]:
            return
        if time.monotonic() > deadline:
            raise ClusterError(f"after {_SETTLE_SECONDS} s {bound} of {running} pods are bound, {waiting} of {len(told)} workloads wait")
        time.sleep(_LOOK_SECONDS)


def _restart(cluster: LocalCluster) -> Restart:
    """Kill, free one place, start again, see what the first decision is and when it stands."""
    client, log, audit = cluster.client(), cluster.log(PROCESS), cluster.places.audit_log
    known = set(cluster.places.recordings.glob("round-*.json"))
    cluster.kill(PROCESS)
    node = _free_one(client)
    due = find_next(client.get(_JOBS)["items"])
    log_from, audit_from = log.stat().st_size, audit.stat().st_size
    machine_before = read_machine_cpu_ms()
    cluster.start(PROCESS)
    decided_at = 0.0

    def decided() -> bool:
        nonlocal decided_at
        decided_at = find_round_at(_read_from(audit, audit_from))
        return decided_at > 0

    wait_until(decided, "the operator has decided", _PATIENCE_SECONDS)
    identity = find_running(cluster.places, PROCESS)
    if identity is None:
        raise ClusterError("the operator ended after its start")
    start_at, cpu_ms, machine_ms = read_start_at(identity.pid), read_cpu_ms(identity.pid), read_machine_cpu_ms() - machine_before
    wait_until(lambda: bool(set(cluster.places.recordings.glob("round-*.json")) - known), "the round is recorded", _PATIENCE_SECONDS)
    first = min(set(cluster.places.recordings.glob("round-*.json")) - known)
    marks = read_marks(_read_from(log, log_from))
    return Restart(
        loaded_seconds=marks["loaded"] - start_at,
        read_seconds=marks["read"] - start_at,
        leads_seconds=marks["leads"] - start_at,
        decided_seconds=decided_at - start_at,
        cpu_ms=cpu_ms,
        others_cpus=max(0.0, machine_ms - cpu_ms) / 1000 / (decided_at - start_at),
        problems=tuple(find_problems(parse_recording(first.read_text(encoding="utf-8")).plan, due, node)),
    )


def _free_one(client: Client) -> str:
    """End one running workload, as its owner would, and return the node on which there is room now."""
    pod = next(pod for pod in client.get(_PODS)["items"] if pod["spec"].get("nodeName"))
    job, name = pod["metadata"]["ownerReferences"][0]["name"], pod["metadata"]["name"]
    client.request("DELETE", f"{_JOBS}/{job}", query={"propagationPolicy": "Background"})
    client.request("DELETE", f"{_PODS}/{name}", query={"gracePeriodSeconds": "0"})  # nobody plays the kubelet that would end it
    wait_until(lambda: client.find(f"{_WORKLOADS}/{job}") is None, f"workload `{job}` is gone", _PATIENCE_SECONDS)
    wait_until(lambda: client.find(f"{_PODS}/{name}") is None, f"pod `{name}` is gone", _PATIENCE_SECONDS)
    return str(pod["spec"]["nodeName"])


def _read_from(path: Path, offset: int) -> list[str]:
    """The whole lines that were added since."""
    with path.open("rb") as file:
        file.seek(offset)
        added = file.read()
    return added[: added.rfind(b"\n") + 1].decode(errors="replace").splitlines()


def find_next(jobs: Iterable[Manifest]) -> str:
    """Whose turn it is: of one tenant's equals the oldest, then the first by name."""
    waiting = [job["metadata"] for job in jobs if job["spec"].get("suspend")]
    oldest = min(waiting, key=lambda each: (each["creationTimestamp"], each["name"]))
    return f"{oldest['namespace']}/{oldest['name']}"


def find_round_at(events: Iterable[str]) -> float:
    """When the first Round of an audit log was stored, in seconds since 1970; 0 if there is none."""
    for line in events:
        if '"resource":"rounds"' in line and '"verb":"create"' in line:
            event = json.loads(line)
            if event["responseStatus"]["code"] == 201:
                return datetime.fromisoformat(event["stageTimestamp"]).timestamp()
    return 0.0


def read_marks(lines: Iterable[str]) -> dict[str, float]:
    """When each part of the start was over, by the operator's log (local time), in seconds since 1970."""
    marks: dict[str, float] = {}
    for line in lines:
        for name, words in MARKS.items():
            if words in line and name not in marks:
                marks[name] = datetime.strptime(line[:23], "%Y-%m-%d %H:%M:%S,%f").astimezone().timestamp()
    return marks


def find_problems(plan: Plan, due: str, node: str) -> Iterable[str]:
    """What makes the first decision a wrong one."""
    places = [(str(place.workload), str(entry.node)) for place in plan.place for entry in place.entries]
    if places != [(due, node)]:
        yield f"`{due}` was to be placed on `{node}`, and the plan says {places}"
    if plan.evict or plan.shrink or plan.scale:
        yield "something was taken back, or nodes were asked for"


def build_report(machine: dict[str, object], workloads: int, restarts: Sequence[Restart]) -> Report:
    """The JSON that `bench restart` prints."""
    measured = round(median(restart.decided_seconds for restart in restarts), 2)
    return {
        "benchmark": "restart",
        "machine": machine,
        "setting": {"workloads": workloads, "runs": len(restarts)},
        "runs": [_describe(restart) for restart in restarts],
        "goals": [
            {
                "what": f"seconds from the operator's start to its first right decision with {workloads} workloads",
                "atMost": GOAL_SECONDS,
                "measured": measured,
                "met": measured <= GOAL_SECONDS and not any(restart.problems for restart in restarts),
            }
        ],
    }


def _describe(restart: Restart) -> Report:
    return {
        "loadedSeconds": round(restart.loaded_seconds, 2),
        "readSeconds": round(restart.read_seconds, 2),
        "leadsSeconds": round(restart.leads_seconds, 2),
        "decidedSeconds": round(restart.decided_seconds, 2),
        "cpuSeconds": round(restart.cpu_ms / 1000, 2),
        "cpusBusyWithOtherThings": round(restart.others_cpus, 1),
        "problems": list(restart.problems),
    }


HEADER = ("LOADED-S", "READ-S", "LEADS-S", "DECIDED-S", "CPU-S", "OTHERS-CPUS", "PROBLEMS")


def render_restart(report: Report) -> Iterable[Sequence[str]]:
    """Rows of a table, a restart each."""
    keys = ("loadedSeconds", "readSeconds", "leadsSeconds", "decidedSeconds", "cpuSeconds", "cpusBusyWithOtherThings")
    for run in report["runs"]:
        yield (*(str(run[key]) for key in keys), "; ".join(run["problems"]))

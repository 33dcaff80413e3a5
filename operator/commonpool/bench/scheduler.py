"""`bench scheduler`: recorded pods through a real apiserver and a real kube-scheduler, ours and stock, on nodes without kubelets."""

import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import yaml

from commonpool.bench.bind import read_pods
from commonpool.bench.cpu import read_cpu_ms
from commonpool.bench.load import Load, Order
from commonpool.bench.plane import NAMESPACE, USER, await_accounts
from commonpool.bench.stock import NAME, PROGRAM, build_stock_profile, start_stock
from commonpool.bench.trace import CARD_MILLI, SHARED, WHOLE, Trace, TracedPod, build_asks, count_on_cards
from commonpool.config import Settings
from commonpool.errors import ClusterError
from commonpool.local.client import Client, Manifest
from commonpool.local.cluster import LocalCluster, Wish
from commonpool.local.fleet import NodeGroup, build_node, parse_fleet
from commonpool.local.places import find_source
from commonpool.local.process import find_running
from commonpool.local.teller import Teller
from commonpool.model.names import SCHEDULER_NAME

CARD_ANNOTATION = "commonpool.dev/gpu-card"
_CLUSTER = "bench-scheduler"
_PEACEFUL = "peaceful"
_TIMEOUT_SECONDS = 900
_POLL_SECONDS = 2.0
_THREADS = 8


class Way(StrEnum):
    """Who schedules."""

    OURS = "commonpool"  # ScoreOnly, as the chart configures it
    WITHOUT = "without-plugin"  # our build and the same profile, MostAllocated on the accelerator in place of our plugin
    MOST = "stock-most-allocated"  # kube-scheduler as shipped, filling accelerators up
    LEAST = "stock-least-allocated"  # kube-scheduler as shipped, as it is configured by default


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run."""

    way: Way
    nodes: int
    pods: int
    bound: int
    allocated_percent: float
    """Of all accelerators: what found room on real cards."""
    claimed_percent: float
    """The same by the sums that the scheduler went by."""
    scheduler_cpu_ms_per_pod: float
    pods_per_second: float
    problems: tuple[str, ...]


def run_way(settings: Settings, trace: Trace, way: Way, teller: Teller) -> Outcome:
    """Bring a fresh cluster up, let the pods arrive one after the other, and wait until each is bound or refused."""
    pooled = way is not Way.OURS
    with _open_cluster(settings, trace, way, teller) as cluster:
        scheduler = find_running(cluster.places, NAME)
        if scheduler is None:
            raise ClusterError("the scheduler does not run")
        cpu_before, began = read_cpu_ms(scheduler.pid), time.monotonic()
        load = Load(cluster.find_program("bench-driver"), _build_order(cluster, trace, way, pooled=pooled))
        try:
            load.finish(_TIMEOUT_SECONDS)
            _await_all(cluster.client(), len(trace.pods))
        finally:
            load.close()
        took, cpu_ms = time.monotonic() - began, read_cpu_ms(scheduler.pid) - cpu_before
        found = read_pods(cluster.client(), NAMESPACE)
    return _judge(trace, way, found, cpu_ms, took)


def _judge(trace: Trace, way: Way, found: Sequence[Manifest], cpu_ms: float, took: float) -> Outcome:
    asked = {pod.name: pod for pod in trace.pods}
    by_node: defaultdict[str, list[TracedPod]] = defaultdict(list)
    bound = sorted((each for each in found if each["spec"].get("nodeName")), key=lambda each: str(each["metadata"]["name"]))
    for each in bound:
        by_node[each["spec"]["nodeName"]].append(asked[each["metadata"]["name"]])
    claimed = sum(pod.gpu_milli for pods in by_node.values() for pod in pods)
    allocated = sum(count_on_cards(node.cards, by_node[node.name]) for node in trace.nodes)
    problems = find_overcommitted(trace, bound) if way is Way.OURS else ()
    if way is Way.OURS:
        allocated = claimed  # it says itself which cards: those are looked at instead
    return Outcome(
        way=way,
        nodes=len(trace.nodes),
        pods=len(trace.pods),
        bound=len(bound),
        allocated_percent=100 * allocated / trace.capacity_milli,
        claimed_percent=100 * claimed / trace.capacity_milli,
        scheduler_cpu_ms_per_pod=cpu_ms / len(trace.pods),
        pods_per_second=len(trace.pods) / took,
        problems=problems,
    )


def find_overcommitted(trace: Trace, bound: Sequence[Manifest]) -> tuple[str, ...]:
    """Cards that hold more than they are, by what their pods' annotations say, and nodes with more cards in use than they have."""
    asked = {pod.name: pod for pod in trace.pods}
    cards: defaultdict[tuple[str, str], int] = defaultdict(int)
    used: defaultdict[str, int] = defaultdict(int)
    for each in bound:
        pod, node = asked[each["metadata"]["name"]], each["spec"]["nodeName"]
        if pod.shared:
            cards[node, (each["metadata"].get("annotations") or {}).get(CARD_ANNOTATION, "none")] += pod.milli
        else:
            used[node] += pod.cards
    for node, _ in cards:
        used[node] += 1
    over = [f"card {card} of {node} has {milli} milli" for (node, card), milli in cards.items() if milli > CARD_MILLI or not card.isdigit()]
    return (*over, *(f"{node.name} has {used[node.name]} cards in use" for node in trace.nodes if used[node.name] > node.cards))


@contextmanager
def _open_cluster(settings: Settings, trace: Trace, way: Way, teller: Teller) -> Iterator[LocalCluster]:
    cluster = LocalCluster(settings, _CLUSTER, teller)
    try:
        nothing = {"name": "nothing", "nodes": 1, "resources": {"cpu": "0", "memory": "0", "pods": "0"}}
        fleet = parse_fleet({"groups": [nothing], "users": [{"name": USER}]}, "of the benchmark")
        cluster.up(Wish(fleet=fleet, pool=False, operator=False, audit=False, fairness=False), fresh=True)
        cluster.stop("kwok")
        client = cluster.client()
        client.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        _make_priority(client)
        with ThreadPoolExecutor(_THREADS) as threads:
            list(threads.map(lambda node: client.create("/api/v1/nodes", node), _build_nodes(trace, pooled=way is not Way.OURS)))
        await_accounts(client, NAMESPACE)
        program = PROGRAM if way in {Way.MOST, Way.LEAST} else "kube-scheduler"
        start_stock(cluster, program, _build_profile(cluster, settings, way))
        yield cluster
    finally:
        cluster.down(delete=True)


def _make_priority(client: Client) -> None:
    """All pods are equal, so there is nobody to preempt; to find that out for each pod that fits nowhere would cost more than all else."""
    peaceful = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": _PEACEFUL}, "value": 0}
    client.create("/apis/scheduling.k8s.io/v1/priorityclasses", peaceful | {"preemptionPolicy": "Never"})


def _build_nodes(trace: Trace, *, pooled: bool) -> Iterator[Manifest]:
    for number, node in enumerate(trace.nodes):
        sums = {SHARED: str(node.cards * CARD_MILLI)} if pooled else {}
        resources = {name: amount for name, amount in node.resources.items() if not (pooled and name == WHOLE)} | sums
        cpu, memory, pods = (resources[name] for name in ("cpu", "memory", "pods"))
        group = NodeGroup(name="node", nodes=len(trace.nodes), resources={**resources, "cpu": cpu, "memory": memory, "pods": pods})
        built = build_node(group, number)
        built["metadata"]["name"] = built["metadata"]["labels"]["kubernetes.io/hostname"] = node.name
        yield built


def _build_profile(cluster: LocalCluster, settings: Settings, way: Way) -> dict[str, Any]:
    match way:
        case Way.MOST:
            return build_stock_profile("MostAllocated", SHARED)
        case Way.LEAST:
            return {"schedulerName": "default-scheduler"}
    profile = render_profile(cluster, settings)
    if way is Way.WITHOUT:
        profile["plugins"] = {"score": {"disabled": [{"name": "NodeResourcesBalancedAllocation"}, {"name": "ImageLocality"}]}}
        others = [each for each in profile["pluginConfig"] if each["name"] not in {"CommonPool", "NodeResourcesFit"}]
        scoring = {"type": "MostAllocated", "resources": [{"name": SHARED, "weight": 1}]}
        profile["pluginConfig"] = [*others, {"name": "NodeResourcesFit", "args": {"scoringStrategy": scoring}}]
    return profile


def render_profile(cluster: LocalCluster, settings: Settings) -> dict[str, Any]:
    """Read the profile that the chart gives to a scheduler alone."""
    chart = find_source(settings).chart
    words = ["template", "commonpool", str(chart), "--set", "scheduler.mode=ScoreOnly", "--show-only", "templates/scheduler-config.yaml"]
    answer = subprocess.run([cluster.find_program("helm"), *words], capture_output=True, text=True, check=False, timeout=60)
    if answer.returncode:
        raise ClusterError(f"the chart could not be rendered: {answer.stderr.strip()}")
    config = yaml.safe_load(yaml.safe_load(answer.stdout)["data"]["config.yaml"])
    profile: dict[str, Any] = config["profiles"][0]
    return profile


def _build_order(cluster: LocalCluster, trace: Trace, way: Way, *, pooled: bool) -> Order:
    return Order(
        mode="trace",
        kubeconfig=cluster.kubeconfig,
        user_kubeconfig=cluster.user_kubeconfig(USER),
        namespace=NAMESPACE,
        gangs=0,
        size=0,
        workers=1,
        nodes=(),
        per_node=0,
        scheduler_name=SCHEDULER_NAME if way in {Way.OURS, Way.WITHOUT} else "default-scheduler",
        priority_class=_PEACEFUL,
        pods=tuple({"name": pod.name, "asks": build_asks(pod, pooled=pooled)} for pod in trace.pods),
    )


def _await_all(client: Client, pods: int) -> None:
    """Until every pod is bound or has been told that it fits nowhere."""
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while True:
        settled = sum(bool(pod["spec"].get("nodeName") or pod["status"].get("conditions")) for pod in read_pods(client, NAMESPACE))
        if settled == pods:
            return
        if time.monotonic() > deadline:
            raise ClusterError(f"only {settled} of {pods} pods are bound or refused")
        time.sleep(_POLL_SECONDS)

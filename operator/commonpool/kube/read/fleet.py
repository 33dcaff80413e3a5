"""Pools and their nodes."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from commonpool.api import GPUPool
from commonpool.api.gpupool import GPUPoolSpec, GPUPoolStatus, LabelRequirement, NodeSelector, ScalingStatus
from commonpool.api.money import parse_micro
from commonpool.api.quantity import parse_milli, parse_whole
from commonpool.kube.facts import NodeFact
from commonpool.kube.own import Own
from commonpool.model.amounts import GPU_MILLI, NOTHING, Amounts
from commonpool.model.ids import NodeName, PoolName
from commonpool.model.names import POOL_TAINT
from commonpool.model.rounds import MOST_PODS
from commonpool.model.snapshot import Node, Pool, Scaling

A100_GFLOPS = 312_000
"""Dense bf16 speed of an A100-SXM: one reference accelerator."""
GFLOPS_PER_TFLOPS = 1000
DEFAULT_PODS = 110
"""What a kubelet takes that was told nothing else."""
LEAST_BOUND = 1000
"""So many pods of a workload are counted out one by one, however small the pools are."""


DISRUPTION_TAINTS = frozenset({"karpenter.sh/disrupted", "ToBeDeletedByClusterAutoscaler"})
"""By which those who take nodes away say so before they do."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """What there is."""

    pools: Mapping[PoolName, Pool]
    specs: Mapping[PoolName, GPUPoolSpec]
    """Completed from the catalogue."""
    nodes: Mapping[NodeName, Node]
    facts: Mapping[NodeName, NodeFact]
    """Of the nodes of pools."""

    resource_names: frozenset[str]
    """Extended resources that some pool offers."""
    vacated: frozenset[NodeName]
    """Nodes that somebody wants empty: cordoned, given back, being deleted, or marked by an autoscaler."""

    def resource_on(self, node: NodeName) -> str:
        """The accelerators' resource name on a node of a pool."""
        return self.pools[self.nodes[node].pool].resource_name


def count_most_pods(fleet: Fleet) -> int:
    """A bound on the pods that all pools together could ever hold: one for each accelerator that is there or may come."""
    there = sum(node.capacity.gpu_milli for node in fleet.nodes.values())
    to_come = sum(pool.scaling.most_nodes * pool.scaling.node.gpu_milli for pool in fleet.pools.values() if pool.scaling is not None)
    return min(MOST_PODS, max(LEAST_BOUND, (there + to_come) // GPU_MILLI))


def read_fleet(pools: Iterable[Own[GPUPool]], nodes: Iterable[NodeFact]) -> Fleet:
    """All pools that can be read, and each node in the first of them by name whose selector takes it."""
    parsed = {PoolName(own.key[1]): own.parsed for own in sorted(pools, key=lambda each: each.key) if own.parsed is not None}
    specs = {name: written.spec.completed() for name, written in parsed.items()}
    models = {name: read_pool(name, spec) for name, spec in specs.items()}
    selectors = [(models[name], compile_selector(spec.nodes)) for name, spec in specs.items()]
    members: dict[NodeName, Node] = {}
    facts: dict[NodeName, NodeFact] = {}
    for fact in nodes:
        pool = next((model for model, (labels, requirements) in selectors if _matches(fact.labels, labels, requirements)), None)
        if pool is not None:
            members[fact.name] = _read_node(fact, pool)
            facts[fact.name] = fact
    for name, written in parsed.items():
        if specs[name].scaling is not None:
            scaling = read_scaling(specs[name], written.status, [node for node in members.values() if node.pool == name])
            models[name] = replace(models[name], scaling=scaling)
    resource_names = frozenset(pool.resource_name for pool in models.values() if pool.resource_name)
    return Fleet(models, specs, members, facts, resource_names, frozenset(name for name, fact in facts.items() if _is_vacated(fact)))


def _is_vacated(fact: NodeFact) -> bool:
    return fact.unschedulable or any(taint.key in DISRUPTION_TAINTS for taint in fact.taints)


def read_pool(name: PoolName, spec: GPUPoolSpec) -> Pool:
    """The planner's view of a pool."""
    speeds = {precision: round(tflops * GFLOPS_PER_TFLOPS) for precision, tflops in (spec.speed or {}).items()}
    half = speeds.get("bf16") or speeds.get("fp16")
    return Pool(
        name=name,
        resource_name=spec.resource_name or "",
        memory_bytes=parse_whole(spec.memory) if spec.memory else 0,
        speed_gflops=tuple(sorted(speeds.items())),
        reference_milli=half * 1000 // A100_GFLOPS if half else 1000,
        topology=tuple(spec.topology),
        open_to_all=spec.open_to == "All",
        group_size=spec.group_size,
        price_micro_per_hour=parse_micro(spec.price.per_hour) if spec.price else 0,
        currency=spec.price.currency if spec.price else "",
    )


def find_rival(fleet: Fleet, pool: PoolName) -> PoolName | None:
    """Who has a node that this pool's selector takes as well. O(nodes)."""
    labels, requirements = compile_selector(fleet.specs[pool].nodes)
    owners = (node.pool for name, node in fleet.nodes.items() if _matches(fleet.facts[name].labels, labels, requirements))
    return next((owner for owner in owners if owner != pool), None)


def read_scaling(spec: GPUPoolSpec, status: GPUPoolStatus | None, nodes: Collection[Node]) -> Scaling | None:
    """How far the pool may breathe; None if nobody makes nodes for it, or nobody can say what a new one would be."""
    scaling = spec.scaling
    node = _find_new_node(spec, nodes)
    if scaling is None or scaling.provider is None or node is None:
        return None
    told = (status.scaling if status is not None else None) or ScalingStatus()
    return Scaling(
        least_nodes=max(scaling.min_nodes, 0 if scaling.node is not None else 1),  # the last node shows what a new one would be
        most_nodes=scaling.max_nodes,
        wanted_nodes=len(nodes) if told.wanted_nodes is None else told.wanted_nodes,
        node=node,
        cooldown_seconds=scaling.cooldown_seconds,
        surplus_since_at=int(told.surplus_since.timestamp()) if told.surplus_since is not None else 0,
    )


def _find_new_node(spec: GPUPoolSpec, nodes: Iterable[Node]) -> Amounts | None:
    """As the administrator says, else as most of the pool's nodes are."""
    said = spec.scaling.node if spec.scaling is not None else None
    if said is not None:
        accelerators = parse_whole(said.get(spec.resource_name or "", "0"))
        pods = parse_whole(said.get("pods", str(DEFAULT_PODS)))
        return Amounts(accelerators * GPU_MILLI, parse_milli(said["cpu"]), parse_whole(said["memory"]), pods)
    kinds = Counter(node.capacity for node in nodes if node.capacity.gpu_milli)
    return min(kinds, key=lambda kind: (-kinds[kind], kind), default=None)


Selector = tuple[frozenset[tuple[str, str]], tuple[LabelRequirement, ...]]


def compile_selector(selector: NodeSelector) -> Selector:
    """Labels that must be there, and the other conditions."""
    return frozenset((selector.match_labels or {}).items()), tuple(selector.match_expressions or ())


def _matches(labels: Mapping[str, str], wanted: frozenset[tuple[str, str]], requirements: tuple[LabelRequirement, ...]) -> bool:
    if not all(labels.get(key) == value for key, value in wanted):
        return False
    return all(_meets(labels, requirement) for requirement in requirements)


def _meets(labels: Mapping[str, str], requirement: LabelRequirement) -> bool:
    match requirement.operator:
        case "In":
            return labels.get(requirement.key) in (requirement.values or ())
        case "NotIn":
            return labels.get(requirement.key) not in (requirement.values or ())
        case "Exists":
            return requirement.key in labels
        case "DoesNotExist":
            return requirement.key not in labels


def _read_node(fact: NodeFact, pool: Pool) -> Node:
    accelerators = next((count for name, count in fact.allocatable if name == pool.resource_name), 0)
    return Node(
        name=fact.name,
        pool=pool.name,
        capacity=Amounts(accelerators * GPU_MILLI, fact.cpu_milli, fact.memory_bytes, fact.pods),
        domains=_read_domains(fact.labels, pool.topology),
        schedulable=fact.ready and not fact.unschedulable and not any(_repels(taint.key, taint.effect) for taint in fact.taints),
        releasing=fact.released and fact.unschedulable,
    )


def _repels(key: str, effect: str) -> bool:
    return key != POOL_TAINT and effect in {"NoSchedule", "NoExecute"}


def _read_domains(labels: Mapping[str, str], topology: tuple[str, ...]) -> tuple[str, ...]:
    """Named from the widest level down, so that rack 1 of one block is not rack 1 of another; levels without a label are skipped."""
    domains: list[str] = []
    path: list[str] = []
    for level in topology:
        value = labels.get(level, "")
        if value:
            path.append(value)
        domains.append("/".join(path) if value else "")
    return tuple(domains)


def with_facts(node: Node, foreign: Amounts, labels: Mapping[str, str], asked: frozenset[str]) -> Node:
    """The node with what others hold there, and with those of its labels that somebody asks for."""
    shown = tuple(sorted((key, labels[key]) for key in asked if key in labels)) if asked else ()
    return replace(node, foreign=foreign, labels=shown) if shown or foreign != NOTHING else node

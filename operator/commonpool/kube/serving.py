"""What keeps a service as it should be: its number of pods, its version, and pods that leave their nodes; never fewer ready than needed.

Pure and level-triggered. Pods that stand in for others are pods like all others: the planner promises them places within
quota, and the scheduler holds them until it does.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from commonpool.api import GPUWorkload
from commonpool.api.inference import Inference
from commonpool.kube.children import build_scale_patch, build_strategy, build_version, digest_template, find_refusal
from commonpool.kube.facts import ChildFact, PodView
from commonpool.kube.read.moves import Turnover, count_target, find_surge_due, read_turnover
from commonpool.kube.read.needs import count_wanted
from commonpool.kube.read.runs import Run
from commonpool.kube.resources import DEPLOYMENTS, PODS
from commonpool.kube.writes import Manifest, Verb, Write
from commonpool.model.ids import NodeName, PoolName, WorkloadName
from commonpool.model.names import DELETION_COST_ANNOTATION, REPLICAS_ANNOTATION
from commonpool.model.plan import Plan
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Pool

GOES_FIRST = "-2147483648"
"""The least that the cost of a pod's deletion can be."""

BY_QUOTA = frozenset({Reason.QUOTA_REACHED, Reason.BORROWING_LIMIT_REACHED})
BY_ROOM = BY_QUOTA | {Reason.RESERVED_FOR_OTHERS, Reason.INSUFFICIENT_CAPACITY}
"""Why there is no room for a pod more where one of the same size that goes first makes some."""


@dataclass(frozen=True, slots=True)
class Serving:
    """What a service still lacks."""

    writes: tuple[Write, ...] = ()
    pods: tuple[PodView, ...] = ()
    """To be deleted, so that others can take what they are allowed."""
    refusal: str = ""
    """Why its owner's new version cannot be written."""


NOTHING_DUE = Serving()


@dataclass(frozen=True, slots=True)
class Ground:
    """What of the round a service's upkeep depends on."""

    pools: Mapping[PoolName, Pool]
    vacated: Collection[NodeName]
    waits: Mapping[WorkloadName, Reason]
    """Why the round lets pods of a workload wait."""
    now_at: int


def plan_serving(run: Run, made: ChildFact, ground: Ground) -> Serving:
    """Everything that is due for one service whose Deployment exists."""
    turnover = read_turnover(run, ground.vacated, ground.now_at)
    wanted, why = count_wanted(run), ground.waits.get(run.name)
    version = _find_version(run, made, ground, needs_room=turnover.lacks_room(wanted) and why in BY_ROOM and _fits_instead(turnover))
    writes = _mark(turnover) + version.writes
    target = count_target(turnover, wanted)
    if (made.replicas, made.asked) != (target, wanted):
        patch = build_scale_patch(made.key.kind, target)
        writes += (_write_deployment(Verb.PATCH, made, patch, {REPLICAS_ANNOTATION: str(wanted)}),)
    one_by_one = not turnover.rolling and turnover.lacks_room(wanted) and why in BY_QUOTA
    return Serving(writes, turnover.going[:1] if one_by_one else (), version.refusal)


def find_waits(runs: Iterable[Run], plan: Plan) -> dict[WorkloadName, Reason]:
    """Why pods wait, of workloads that had no place to give back when that was found out: else there may be room by now."""
    ending = {run.name for run in runs if any(pod.terminating and pod.holds for pod in run.pods)}
    return {hold.workload: hold.reason for hold in plan.hold if hold.workload not in ending}


def find_due(run: Run, vacated: Collection[NodeName], now_at: int) -> int | None:
    """When time alone changes what is due; None: it does not."""
    turnover = read_turnover(run, vacated, now_at)
    return find_surge_due(run, now_at) if turnover.going or turnover.rolling else None


def _find_version(run: Run, made: ChildFact, ground: Ground, *, needs_room: bool) -> Serving:
    """Its owner's template where the Deployment has another; while that comes, without a pod more if there is no room for one."""
    workload = run.own.parsed if run.own is not None else None
    inference = workload.spec.inference if workload is not None else None
    if workload is None or inference is None:
        return NOTHING_DUE
    if made.version != digest_template(workload, inference):
        return NOTHING_DUE if run.refused_version else _change_version(workload, inference, made, ground)
    if made.surges and needs_room:
        return Serving((_write_deployment(Verb.REPLACE, made, {"spec": {"strategy": build_strategy(surges=False)}}, {}),))
    return NOTHING_DUE


def _change_version(workload: GPUWorkload, inference: Inference, made: ChildFact, ground: Ground) -> Serving:
    """In any pool by whose name for accelerators its pods ask: they must go on asking by it."""
    if (refusal := find_refusal(workload, ())) is not None:
        return Serving(refusal=refusal.message)
    names = {name for name, _ in made.shape.extended}
    pool = next((pool for _, pool in sorted(ground.pools.items()) if pool.resource_name in names), None)
    if pool is None:
        return NOTHING_DUE
    version = build_version(workload, inference, pool)
    return Serving((_write_deployment(Verb.REPLACE, made, {"spec": version["spec"]}, version["metadata"]["annotations"]),))


def _fits_instead(turnover: Turnover) -> bool:
    """Whether a new version waits that takes no more than any pod that serves: else one would go for nothing."""
    resources = {name for pod in turnover.placeless for name, _ in pod.shape.extended}
    return turnover.rolling and all(
        _is_within(new, old, resource) for new in turnover.placeless for old in (*turnover.ready, *turnover.going) for resource in resources
    )


def _is_within(new: PodView, old: PodView, resource: str) -> bool:
    asked, given = new.shape.amounts(resource), old.shape.amounts(resource)
    return asked.gpu_milli <= given.gpu_milli and asked.cpu_milli <= given.cpu_milli and asked.memory_bytes <= given.memory_bytes


def _mark(turnover: Turnover) -> tuple[Write, ...]:
    """Let pods that go be the first that their ReplicaSet lets go, and no others."""
    going = {pod.uid for pod in turnover.going}
    living = sorted((*turnover.going, *turnover.ready, *turnover.coming), key=lambda pod: pod.name)
    changes = [(pod, GOES_FIRST if pod.uid in going else None) for pod in living if (pod.uid in going) != (pod.deletion_cost == GOES_FIRST)]
    return tuple(Write(Verb.PATCH, _build_mark(pod, cost)) for pod, cost in changes)


def _build_mark(pod: PodView, cost: str | None) -> Manifest:
    metadata = {"name": pod.name, "namespace": pod.namespace, "uid": pod.uid, "annotations": {DELETION_COST_ANNOTATION: cost}}
    return {"apiVersion": PODS.api_version, "kind": PODS.kind, "metadata": metadata}


def _write_deployment(verb: Verb, made: ChildFact, patch: Manifest, annotations: Mapping[str, str]) -> Write:
    metadata = {"name": made.key.name, "namespace": made.key.namespace, "uid": made.uid, "annotations": dict(annotations)}
    return Write(verb, {"apiVersion": DEPLOYMENTS.api_version, "kind": DEPLOYMENTS.kind, "metadata": metadata, **patch})

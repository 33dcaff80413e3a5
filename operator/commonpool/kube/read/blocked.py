"""Why a workload may not be placed at all, as far as that is known before any planning. What its tenant may, the plan judges."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil

from commonpool.api import GPUWorkload
from commonpool.api.timestamp import render_timestamp
from commonpool.kube.children import find_child_key, find_refusal
from commonpool.kube.facts import PriorityFact
from commonpool.kube.own import Own
from commonpool.kube.read.bounds import Bounds
from commonpool.kube.read.fleet import Fleet
from commonpool.kube.read.runs import Run
from commonpool.kube.shapes import Shape
from commonpool.model.amounts import GPU_MILLI
from commonpool.model.ids import ChildKey
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Blocked


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the judgement of one workload needs to know of the rest."""

    fleet: Fleet
    priorities: Mapping[str, PriorityFact]
    workloads: Mapping[tuple[str, str], Own[GPUWorkload]]
    circular: frozenset[tuple[str, str]]
    """Workloads that wait for each other in a circle."""
    node_sizes: frozenset[int]
    accelerators: frozenset[str]
    """Extended resources that are accelerators, whether a pool offers them or not."""
    uncounted: frozenset[str]
    """Other extended resources that the scheduler lets pods have without a promise."""
    now_at: int
    most_pods: int
    """More of one workload than this has no place anywhere, and is not counted out."""
    bounds: Bounds

    def default_priority(self) -> PriorityFact | None:
        """The class that pods get which name none."""
        return next((each for each in self.priorities.values() if each.is_default), None)


def find_block(run: Run, shape: Shape | None, priority_class: str, around: Surroundings) -> Blocked | None:
    """The first reason found, from the most fundamental on."""
    if run.own is not None and run.own.problem:
        return Blocked(Reason.INVALID_SPEC, run.own.problem)
    if run.refusal:
        return Blocked(Reason.CHILD_REFUSED, run.refusal)
    if run.stall:
        return Blocked(Reason.CANNOT_START, run.stall)
    return (
        _judge_priority(priority_class, around)
        or (Blocked(Reason.NOT_SUPPORTED, shape.unsupported) if shape is not None and shape.unsupported else None)
        or _judge_kinds(shape, around)
        or (_judge_native(run, around) if run.native else None)
    )


def _judge_priority(priority_class: str, around: Surroundings) -> Blocked | None:
    if priority_class and priority_class not in around.priorities:
        return Blocked(Reason.INVALID_SPEC, f"there is no PriorityClass `{priority_class}`: name one of `kubectl get priorityclasses`")
    return None


def _judge_kinds(shape: Shape | None, around: Surroundings) -> Blocked | None:
    if shape is None:
        return None
    kinds = [name for name, _ in shape.extended if name in around.accelerators]
    if len(kinds) > 1:
        named = " and ".join(f"`{name}`" for name in kinds)
        return Blocked(Reason.NOT_SUPPORTED, f"one pod asks for {named}: ask for one kind of accelerator")
    others = [name for name, _ in shape.extended if name not in kinds and name not in around.uncounted]
    if others:
        way_out = "leave it out, or ask an administrator to add it to `scheduler.uncountedResources`"
        return Blocked(Reason.NOT_SUPPORTED, f"its pods ask for `{others[0]}`, which the pool cannot promise: {way_out}")
    return None


def _judge_native(run: Run, around: Surroundings) -> Blocked | None:
    workload = run.own.parsed if run.own is not None else None
    if workload is None:
        return None
    if run.usurped and (child := find_child_key(workload)) is not None:
        return _judge_usurper(child, vacating=run.vacating)
    refusal = find_refusal(workload, around.node_sizes)
    if refusal is not None:
        return refusal
    hpc = workload.spec.hpc
    if hpc is None or run.made is not None:
        return None
    start_at = find_start_at(run)
    if start_at is not None and start_at > around.now_at:
        instant = datetime.fromtimestamp(start_at, UTC)
        return Blocked(Reason.WAITS_FOR_START_TIME, f"starts at `{render_timestamp(instant)}`, as `startTime` says")
    return _judge_after(run, hpc.after or [], around)


def find_start_at(run: Run) -> int | None:
    """From when on its owner lets it start, in seconds since 1970; None if he does not say, or it has begun."""
    workload = run.own.parsed if run.own is not None and run.made is None else None
    start_time = workload.spec.hpc.start_time if workload is not None and workload.spec.hpc is not None else None
    return ceil(start_time.timestamp()) if start_time is not None else None


def _judge_usurper(child: ChildKey, *, vacating: bool) -> Blocked:
    if vacating:
        return Blocked(Reason.WAITS_FOR_OTHER, f"waits until the former {child.kind} `{child.name}` is gone, which is being removed")
    return Blocked(
        Reason.CHILD_REFUSED,
        f"a {child.kind} `{child.name}` that is not its own exists already: delete it, or give the workload another name; one whose owner "
        "reference was taken away runs on as yours and counts beside this",
    )


def _judge_after(run: Run, after: list[str], around: Surroundings) -> Blocked | None:
    if run.own is not None and run.own.key in around.circular:
        named = next((name for name in after if (run.child.namespace, name) in around.circular), after[0])
        return Blocked(Reason.INVALID_SPEC, f"`after` goes round in a circle from here through `{named}`: take one workload out of `after`")
    for name in after:
        other = around.workloads.get((run.child.namespace, name))
        if other is None:
            return Blocked(Reason.INVALID_SPEC, f"`after` names `{name}`, and there is no GPUWorkload of that name in the namespace")
        if other.outcome == "False":
            return Blocked(Reason.WAITS_FOR_OTHER, f"`{name}` has failed, and this starts after its success: repeat `{name}`")
        if other.outcome != "True":
            return Blocked(Reason.WAITS_FOR_OTHER, f"starts after `{name}` has succeeded")
    return None


def find_node_sizes(fleet: Fleet) -> frozenset[int]:
    """How many accelerators nodes have."""
    return frozenset(node.capacity.gpu_milli // GPU_MILLI for node in fleet.nodes.values())

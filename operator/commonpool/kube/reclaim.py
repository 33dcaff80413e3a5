"""How places are taken back: what is written to the objects whose pods must go, once the workload has been told.

Pure and level-triggered: a plan says what shall be so, the runs say what is, and only what
still differs is written. What a workload has been told stands in its status; nothing here
acts before it does.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from commonpool.api.timestamp import render_timestamp
from commonpool.api.workloadstatus import GPUWorkloadStatus, Resize
from commonpool.kube.children import build_scale_patch
from commonpool.kube.facts import PodView
from commonpool.kube.read.elastic import find_sizes
from commonpool.kube.read.runs import NO_STATUS, Run
from commonpool.kube.read.workloads import read_checkpointed_at
from commonpool.kube.resources import JOBS, PODS
from commonpool.kube.writes import Manifest, Verb, Write
from commonpool.model.ids import WorkloadName
from commonpool.model.names import HELD_ANNOTATION, RESIZE_ANNOTATION
from commonpool.model.plan import Plan


@dataclass(frozen=True, slots=True)
class Reclaim:
    """What takes places of one workload back, in order: its entries in Rounds go first, so that no other pod can use them again."""

    run: Run
    from_rank: int
    """Entries of ranks from here on; 0: all entries."""
    writes: tuple[Write, ...] = ()
    pods: tuple[PodView, ...] = ()
    """Pods to delete. Each holds its place until it has really ended."""


def plan_reclaims(runs: Iterable[Run], plan: Plan, statuses: Mapping[WorkloadName, GPUWorkloadStatus], now_at: int) -> list[Reclaim]:
    """What the plan takes back now. `statuses`: as they have been written, this round's included."""
    evicted = {evict.workload for evict in plan.evict}
    due: list[Reclaim | None] = []
    for run in runs:
        status = statuses.get(run.name, NO_STATUS)
        if run.name in evicted and _was_told(status, now_at):
            due.append(_evict(run))
        elif run.queued and run.made is not None and run.made.terminating:
            due.append(_delete_pods(run))  # deleted before its controller saw that it is suspended
        elif status.resize is not None:
            due.append(_shrink(run, status.resize.replicas) if is_due(run, status.resize, now_at) else None)
        elif (sizes := find_sizes(run)) is not None and not run.queued:
            due.append(_shrink(run, sizes.max))  # its owner wants fewer
    return sorted((reclaim for reclaim in due if reclaim is not None), key=lambda reclaim: reclaim.run.name)


def plan_signals(runs: Iterable[Run], statuses: Mapping[WorkloadName, GPUWorkloadStatus]) -> list[Write]:
    """Let the pod of rank 0 of each Job carry what its workload has been told, and nothing else."""
    return [
        _build_signal(pod, signal)
        for run in runs
        if run.child.kind == "Job" and (find_sizes(run) is not None or statuses.get(run.name, NO_STATUS).resize is not None)
        for pod in run.pods
        if pod.rank == 0 and pod.holds and not pod.terminating
        if (signal := render_signal(statuses.get(run.name, NO_STATUS).resize)) != pod.signal
    ]


def is_due(run: Run, resize: Resize, now_at: int) -> bool:
    """Whether a shrink that had been told before this round can be carried out: its grace is over, or the work is saved."""
    if run.status.resize != resize:
        return False
    return now_at >= int(resize.at.timestamp()) or read_checkpointed_at(run) > int(resize.told_at.timestamp())


def render_signal(resize: Resize | None) -> str:
    """The annotation's value; empty if there is nothing to tell."""
    if resize is None:
        return ""
    return json.dumps({"replicas": resize.replicas, "at": render_timestamp(resize.at), "reason": resize.reason}, separators=(",", ":"))


def _was_told(status: GPUWorkloadStatus, now_at: int) -> bool:
    return status.last_eviction is not None and int(status.last_eviction.at.timestamp()) == now_at


def _evict(run: Run) -> Reclaim | None:
    """A Job stops as a whole and waits; of everything else the pods go, and whoever made them makes new ones that wait.

    The controller of a Job that is being deleted neither stops nor makes pods (a finalizer can keep it for ever): they are deleted.
    """
    if run.child.kind == "Job" and run.made is not None and not run.made.terminating:
        if run.made.suspended:
            return None
        return Reclaim(run, 0, (_patch_job(run, {"spec": {"suspend": True}}, {HELD_ANNOTATION: "true"}),))
    return _delete_pods(run)


def _delete_pods(run: Run, from_rank: int = 0) -> Reclaim | None:
    """Those that have places, of ranks from `from_rank` on; 0: all of them, also those without a rank."""
    going = tuple(pod for pod in run.pods if pod.holds and not pod.terminating and (not from_rank or pod.rank >= from_rank))
    return Reclaim(run, from_rank, pods=going) if going or run.promises else None


def _shrink(run: Run, keep: int) -> Reclaim | None:
    if run.child.kind == "Job" and run.made is not None:
        if run.made.terminating:
            return _delete_pods(run, keep)
        if run.made.replicas <= keep:
            return None
        return Reclaim(run, keep, (_patch_job(run, build_scale_patch("Job", keep), {}),))
    staying = sorted((pod for pod in run.pods if pod.holds and not pod.terminating), key=lambda pod: (pod.rank, pod.created_at, pod.name))
    going = tuple(staying[keep:])
    return Reclaim(run, 0, pods=going) if going else None


def _patch_job(run: Run, patch: Manifest, annotations: Mapping[str, str]) -> Write:
    uid = run.made.uid if run.made is not None else ""
    metadata = {
        "name": run.child.name,
        "namespace": run.child.namespace,
        "uid": uid,
        **({"annotations": annotations} if annotations else {}),
    }
    return Write(Verb.PATCH, {"apiVersion": JOBS.api_version, "kind": JOBS.kind, "metadata": metadata, **patch})


def _build_signal(pod: PodView, signal: str) -> Write:
    metadata = {"name": pod.name, "namespace": pod.namespace, "uid": pod.uid, "annotations": {RESIZE_ANNOTATION: signal or None}}
    return Write(Verb.PATCH, {"apiVersion": PODS.api_version, "kind": PODS.kind, "metadata": metadata})

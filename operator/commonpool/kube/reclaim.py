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
class Ending:
    """A pod that is to go."""

    pod: PodView
    grace_seconds: int | None
    """How long it may take for that; None: as long as it says itself."""


@dataclass(frozen=True, slots=True)
class Reclaim:
    """What takes places of one workload back, in order: its entries in Rounds go first, so that no other pod can use them again."""

    run: Run
    from_rank: int | None
    """Entries of ranks from here on; 0: all entries; None: none, they are gone."""
    writes: tuple[Write, ...] = ()
    pods: tuple[Ending, ...] = ()
    """Pods to delete. Each holds its place until it has really ended."""


def plan_reclaims(
    runs: Iterable[Run], plan: Plan, statuses: Mapping[WorkloadName, GPUWorkloadStatus], now_at: int, most_grace_seconds: int
) -> list[Reclaim]:
    """What the plan takes back now. `statuses`: as they have been written, this round's included.

    `most_grace_seconds`: no pod whose place is taken back keeps it longer, whatever it says itself, and whoever deletes it.
    """
    evicted = {evict.workload for evict in plan.evict}
    shrunk = {shrink.workload: shrink.keep for shrink in plan.shrink}
    hand = _Hand(max(1, most_grace_seconds))
    due: list[Reclaim | None] = []
    for run in runs:
        status = statuses.get(run.name, NO_STATUS)
        reclaim = None
        if run.name in evicted and (run.own is None or _was_told(status, now_at)):  # what nothing stands for cannot be told
            reclaim = hand.evict(run)
        elif run.queued and run.made is not None and run.made.terminating:
            reclaim = hand.delete_pods(run)  # deleted before its controller saw that it is suspended
        elif status.resize is not None:
            reclaim = hand.shrink(run, status.resize.replicas) if is_due(run, status.resize, now_at) else None
        elif run.own is None and run.name in shrunk:
            reclaim = hand.shrink(run, shrunk[run.name])
        elif (sizes := find_sizes(run)) is not None and not run.queued:
            reclaim = hand.shrink(run, sizes.max)  # its owner wants fewer
        due.append(reclaim or hand.hurry(run))
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


@dataclass(frozen=True, slots=True)
class _Hand:
    """Takes places back."""

    most_grace_seconds: int
    """At least 1: with 0 a pod would be gone before its containers are."""

    def evict(self, run: Run) -> Reclaim | None:
        """A Job stops as a whole and waits; of everything else the pods go, and whoever made them makes new ones that wait.

        The controller of a Job that is being deleted neither stops nor makes pods (a finalizer can keep it for ever): they are deleted.
        """
        if run.child.kind == "Job" and run.made is not None and not run.made.terminating:
            if run.made.suspended:
                return None
            return Reclaim(run, 0, (_patch_job(run, {"spec": {"suspend": True}}, {HELD_ANNOTATION: "true"}),))
        return self.delete_pods(run)

    def delete_pods(self, run: Run, from_rank: int = 0) -> Reclaim | None:
        """Those that have places, of ranks from `from_rank` on; 0: all of them, also those without a rank."""
        going = self._end(pod for pod in run.pods if not from_rank or pod.rank >= from_rank)
        return Reclaim(run, from_rank, pods=going) if going or run.promises else None

    def shrink(self, run: Run, keep: int) -> Reclaim | None:
        """So many pods stay: those of the lowest ranks, of pods without a rank the oldest (`model.elastic.sort_places`)."""
        if run.child.kind == "Job" and run.made is not None:
            if run.made.terminating:
                return self.delete_pods(run, keep)
            if run.made.replicas <= keep:
                return None
            return Reclaim(run, keep, (_patch_job(run, build_scale_patch("Job", keep), {}),))
        places = sorted((pod for pod in run.pods if pod.holds), key=lambda pod: (pod.terminating, pod.rank, pod.created_at, pod.name))
        serving = sum(not pod.terminating for pod in places)
        going = self._end(places[max(min(keep, serving), keep - len(run.promises)) :])
        return Reclaim(run, 0, pods=going) if going or serving + len(run.promises) > keep else None

    def hurry(self, run: Run) -> Reclaim | None:
        """Pods that their controller took away for us have the grace that they ask for: too long a one is cut short."""
        size = run.made.replicas if run.made is not None and find_sizes(run) is not None else None
        late = (pod for pod in run.pods if pod.terminating and (run.leaving or (size is not None and pod.rank >= size)))
        going = self._end(late)
        return Reclaim(run, None, pods=going) if going else None

    def _end(self, pods: Iterable[PodView]) -> tuple[Ending, ...]:
        """Those of them that must be told to go, or to go sooner."""
        most = self.most_grace_seconds
        return tuple(
            Ending(pod, most if pod.grace_seconds > most else None)
            for pod in pods
            if pod.holds and (not pod.terminating or pod.grace_seconds > most)
        )


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

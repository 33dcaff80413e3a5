"""How long each pod of a workload had its accelerators, by the word of its kubelet."""

from collections.abc import Iterable
from dataclasses import dataclass

from commonpool.kube.facts import PodView
from commonpool.kube.read.fleet import Fleet
from commonpool.kube.read.runs import Run
from commonpool.kube.read.workloads import find_accelerator_resource

_UID_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Stint:
    """One pod that has begun. Instants are in seconds since 1970."""

    uid: str
    """Its last digits: enough to tell the pods of one workload apart. A rank is not: whoever makes pods may give them all the same."""
    accelerators: int
    pool: str
    """Of its node; empty if that is of none."""
    created_at: int
    """By the apiserver's clock; not before the workload itself."""
    since_at: int
    """By its kubelet's clock; not before the workload either."""
    ended: bool = False
    until_at: int = 0
    """By its kubelet's clock; 0: it runs, or nobody says when it ended."""

    def count_seconds(self, now_at: int) -> int:
        """How long, as of now.

        A node's clock may be wrong: no pod has run for longer than it has existed, nor ends after now.
        """
        longest = now_at - (max(self.since_at, self.created_at) if self.since_at <= now_at else self.created_at)
        return max(0, min((self.until_at or now_at) - self.since_at, longest))


def read_stints(run: Run, departed: Iterable[PodView], fleet: Fleet, asked: frozenset[str]) -> tuple[Stint, ...]:
    """The pods of a run that have begun, and those of them that are gone (`departed`). `asked`: resources that are accelerators."""
    stints = [read_stint(run, pod, fleet, asked) for pod in run.pods]
    stints += [read_stint(run, pod, fleet, asked, gone=True) for pod in departed]
    return tuple(stint for stint in stints if stint is not None)


def read_stint(run: Run, pod: PodView, fleet: Fleet, asked: frozenset[str], *, gone: bool = False) -> Stint | None:
    """One pod; None if it has not begun, or is not the run's to pay for: pods may be older than the GPUWorkload that stands for them."""
    born_at = _read_born_at(run)
    if not pod.started_at or (gone and pod.started_at < born_at) or not _is_ours(pod, run):
        return None
    pool = fleet.nodes[pod.node].pool if pod.node is not None and pod.node in fleet.nodes else None
    resource = fleet.pools[pool].resource_name if pool is not None else find_accelerator_resource(pod.shape, fleet, asked)
    return Stint(
        uid=pod.uid[-_UID_DIGITS:],
        accelerators=pod.shape.count(resource) if resource is not None else 0,
        pool=pool or "",
        created_at=max(pod.created_at, born_at),
        since_at=max(pod.started_at, born_at) if pod.created_at < born_at else pod.started_at,
        ended=gone or pod.finished,
        until_at=pod.finished_at,
    )


def _read_born_at(run: Run) -> int:
    parsed = run.own.parsed if run.own is not None else None
    created = parsed.metadata.creation_timestamp if parsed is not None else None
    return int(created.timestamp()) if created is not None else 0


def _is_ours(pod: PodView, run: Run) -> bool:
    """A Job that was deleted and made anew under its name is another workload than the pods that its predecessor leaves behind."""
    return run.made is None or run.child.kind != "Job" or pod.owner_uid == run.made.uid

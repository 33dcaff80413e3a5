"""Promises that nobody takes: places that were given and are not used within a bound, and objects that make no pods.

A promise is given back only where waiting longer is of no use: its pods do not exist, or the
scheduler has said that it cannot bind them. A pod of which nothing has been said may be on its
way to its node, or the scheduler is away: that is no reason to take anything.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from commonpool.kube.facts import ChildFact, PodView
from commonpool.kube.read.runs import Run
from commonpool.model.ids import ChildKey
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Blocked

START_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Stall:
    """A workload that has not taken what it was promised."""

    why: Blocked
    pauses: bool
    """Whether it would be promised the same again at once; else it waits for its pods to exist."""


def find_stall(run: Run, now_at: int, start_seconds: int) -> Stall | None:
    """Why promises that are older than the bound are of no use to the workload; None if they are not that old, or may still be."""
    if not any(promise.made_at + start_seconds <= now_at for promise in run.promises):
        return None
    waiting = _waiting(run)
    stuck = find_stuck(waiting)
    if stuck:
        return Stall(Blocked(Reason.CANNOT_START, f"gave its places back after {start_seconds} seconds: {stuck}"), pauses=True)
    if len(waiting) >= len(run.promises):
        return None
    if run.made is None or run.made.suspended:
        message = f"gave its places back after {start_seconds} seconds, because its {run.child.kind} was not let go: ask an administrator"
        return Stall(Blocked(Reason.CANNOT_START, message), pauses=True)
    return Stall(explain_missing(run), pauses=False)


def find_stuck(pods: Iterable[PodView]) -> str:
    """The first pod by name that the scheduler could not bind, in its words; empty if there is none."""
    stuck = min(((pod.name, pod.stuck) for pod in pods if pod.stuck and pod.node is None and not pod.finished), default=None)
    return f"pod `{stuck[0]}` cannot take its place: {stuck[1]}" if stuck is not None else ""


def find_late(runs: Iterable[Run], start_seconds: int) -> dict[ChildKey, int]:
    """From when on a promise, or pods that an object should have made, are overdue; for those that still wait for either."""
    late: dict[ChildKey, int] = {}
    for run in runs:
        if run.promises:
            late[run.child] = min(promise.made_at for promise in run.promises) + start_seconds
        elif run.made is not None and _is_short_of_pods(run, run.made):
            late[run.child] = run.made.created_at + start_seconds
    return late


def _is_short_of_pods(run: Run, made: ChildFact) -> bool:
    """Whether fewer pods exist than its object should have made; one that has ended may be replaced later."""
    if made.suspended or made.terminating or made.finished or any(pod.finished for pod in run.pods):
        return False
    return len(run.pods) < made.remaining


def has_unbound(run: Run) -> bool:
    """Whether any of its pods still waits, or none has been made."""
    return not run.finished and (not run.pods or bool(_waiting(run)))


def explain_missing(run: Run) -> Blocked:
    """What makes its pods cannot: only the API knows why, and tells it to who asks for the object."""
    child, wanted = run.child, run.made.remaining if run.made is not None else 0
    exist = sum(not pod.finished for pod in run.pods)
    cause = run.made.obstacle if run.made is not None else ""
    hint = "a ServiceAccount that does not exist, the namespace's ResourceQuota, or a policy"
    way_out = cause or f"`kubectl describe {child.kind.lower()} {child.name}` says what is refused, e.g. for {hint}"
    return Blocked(Reason.PODS_MISSING, f"`{exist}` of the `{wanted}` pods of its {child.kind} exist, and it starts when all do: {way_out}")


def _waiting(run: Run) -> list[PodView]:
    return [pod for pod in run.pods if pod.node is None and not pod.finished and not pod.terminating]

"""How far a workload's pods and the object that makes them are."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from commonpool.kube.facts import ChildFact, PodView
from commonpool.kube.read.stalls import find_stuck
from commonpool.model.reasons import Reason

Outcome = Literal[Reason.COMPLETED, Reason.FAILED]


@dataclass(frozen=True, slots=True)
class Progress:
    """What the cluster says of it, beside the places that it holds."""

    want: int
    """Pods that it should have, as far as its object says."""
    ready: int = 0
    succeeded: int = 0
    """Pods that have done their part and hold nothing any more."""
    outcome: Outcome | None = None
    """None: it has not ended."""
    message: str = ""
    """Why it failed, why its children could not be made, or why a pod does not take the place that it has."""
    refused: bool = False
    """The API refused its children."""
    ending: bool = False
    """All its pods have finished, and the object that made them has not said yet what that means."""
    failing: bool = False
    """The object that made its pods has said that it will fail, and waits until the last of them has ended."""
    failed: int = 0
    """Pods that have failed and hold nothing any more."""
    unstarted: str = ""
    """Which of its pods cannot start on its node, and why; empty if all can."""
    idle: str = ""
    """Why there is no pod that could be given a place; empty if there is one, or none is made before it has a place."""


def read_progress(child: ChildFact | None, pods: Iterable[PodView], want: int) -> Progress:
    """From the object that makes its pods (None for a bare pod, or before it exists) and its pods.

    `want` counts while there is no such object, and after its end.
    """
    outcome: Outcome | None
    known = list(pods)
    ready = sum(pod.ready and pod.holds for pod in known)
    if child is not None:
        outcome = (Reason.FAILED if child.failed else Reason.COMPLETED) if child.finished else None
        ending = outcome is None and bool(known) and all(pod.finished for pod in known)
        succeeded = sum(pod.phase == "Succeeded" for pod in known)
        wanted = child.replicas if outcome is None else want
        idle = "" if outcome or child.failing or any(not pod.finished for pod in known) else _describe_idle(child)
        return Progress(
            wanted,
            ready,
            succeeded,
            outcome,
            child.message or find_stuck(known),
            ending=ending,
            failing=child.failing,
            failed=sum(pod.phase == "Failed" for pod in known),
            unstarted=_find_unstarted(known),
            idle=idle,
        )
    alone = [pod for pod in known if pod.child.kind == "Pod"]
    if alone and all(pod.finished for pod in alone):
        failed = any(pod.phase == "Failed" for pod in alone)
        outcome = Reason.FAILED if failed else Reason.COMPLETED
        return Progress(want, ready, outcome=outcome, message="its pod failed" if failed else "")
    return Progress(want, ready, message=find_stuck(known), unstarted=_find_unstarted(known))


def _find_unstarted(pods: Iterable[PodView]) -> str:
    """The first of them, by rank and name."""
    unstarted = (pod for pod in pods if pod.unstarted and pod.holds and not pod.terminating)
    first = min(unstarted, key=lambda pod: (pod.rank, pod.name), default=None)
    return f"pod `{first.name}` does not start: {first.unstarted}" if first is not None else ""


def _describe_idle(child: ChildFact) -> str:
    kind, name = child.key.kind, child.key.name
    if not child.replicas:
        return f"its {kind} asks for no pods now: `spec.{'parallelism' if kind == 'Job' else 'replicas'}` says how many"
    return f"its {kind} has made none of its pods yet: if this lasts, `kubectl describe {kind.lower()} {name}` says why"

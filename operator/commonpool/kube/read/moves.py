"""A service's pods that are to leave their nodes, and how many pods it has meanwhile: others are ready before they go.

A pod that goes is told apart by the cost of its deletion: its ReplicaSet lets pods go that are not ready, and then those of the
least cost. So it is enough to ask for some pods more, and for as many as before once these are ready; no instant
needs to be remembered, and a pod that fails in between is the one that goes.
"""

from collections.abc import Collection
from dataclasses import dataclass

from commonpool.kube.children import count_surge
from commonpool.kube.facts import PodView
from commonpool.kube.read.runs import Run
from commonpool.model.ids import NodeName

SURGE_SECONDS = 30
"""A pod that was to stand in for another and has had no place for so long gets none soon."""


@dataclass(frozen=True, slots=True)
class Turnover:
    """The pods of a service, by what becomes of them; those that are ending are in none of the three."""

    going: tuple[PodView, ...]
    """On nodes that are to be left."""
    ready: tuple[PodView, ...]
    coming: tuple[PodView, ...]
    """Not ready."""
    placeless: tuple[PodView, ...]
    """Of those that are coming: they have waited for a place for `SURGE_SECONDS`, and none is promised to them."""
    rolling: bool
    """Its pods are of more than one version."""
    ending: bool
    """A pod has yet to give its place back."""

    def lacks_room(self, wanted: int) -> bool:
        """Whether nothing but a place is missing: no pod is ready to stand in for another or on its way, and none gives its place back."""
        replaced = len(self.ready) + len(self.going) > wanted
        return bool(self.placeless) and self.coming == self.placeless and not replaced and not self.ending


def read_turnover(run: Run, vacated: Collection[NodeName], now_at: int) -> Turnover:
    """Sort the pods of a service."""
    living = [pod for pod in run.pods if not pod.finished and not pod.terminating]
    promised = {promise.entry.seat.pod for promise in run.promises}
    staying = [pod for pod in living if pod.node not in vacated]
    coming = tuple(pod for pod in staying if not pod.ready)
    return Turnover(
        going=tuple(pod for pod in living if pod.node in vacated),
        ready=tuple(pod for pod in staying if pod.ready),
        coming=coming,
        placeless=tuple(
            pod for pod in coming if pod.node is None and pod.name not in promised and pod.created_at + SURGE_SECONDS <= now_at
        ),
        rolling=len({pod.owner_uid for pod in living}) > 1,
        ending=any(pod.terminating and pod.holds for pod in run.pods),
    )


def count_target(turnover: Turnover, wanted: int) -> int:
    """How many pods it should have now, so that `wanted` of them serve.

    A new version takes the pods that go with it, so nothing is asked for beside it.
    """
    if not turnover.going or turnover.rolling:
        return wanted
    replaced = len(turnover.ready) + len(turnover.going) > wanted
    if replaced and turnover.coming == turnover.placeless:
        return wanted
    return wanted + (1 if turnover.placeless else min(count_surge(wanted), len(turnover.going)))


def find_surge_due(run: Run, now_at: int) -> int | None:
    """When the next of its pods has waited too long for a place; None: none will have."""
    waiting = (pod.created_at + SURGE_SECONDS for pod in run.pods if pod.node is None and not pod.finished and not pod.terminating)
    return min((due_at for due_at in waiting if due_at > now_at), default=None)

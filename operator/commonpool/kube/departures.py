"""Pods that are gone, until what they used is in their workload's status."""

from collections import defaultdict
from collections.abc import Mapping

from commonpool.kube.facts import PodView
from commonpool.kube.mirror import Mirror
from commonpool.kube.read import World
from commonpool.kube.read.stints import read_stint
from commonpool.kube.status.accounting import is_settled
from commonpool.kube.status.spans import Known, Who, parse_spans
from commonpool.model.ids import ChildKey


class Departures:
    """Looks through what the mirror keeps of them, each round."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._epoch = 0
        self._inherited: frozenset[str] = frozenset()
        """UIDs of pods that went before this epoch."""

    def collect(self, world: World, asked: frozenset[str]) -> Mapping[ChildKey, tuple[PodView, ...]]:
        """Those that are not counted yet, by workload, empty for all others; who is, by what can be read of his workload, is forgotten."""
        gone: defaultdict[ChildKey, tuple[PodView, ...]] = defaultdict(tuple)
        if world.snapshot.epoch != self._epoch:
            self._epoch, self._inherited = world.snapshot.epoch, frozenset(self._mirror.departed)
        if not self._mirror.departed:
            return gone
        runs = {run.child: run for run in world.runs}
        told: dict[ChildKey, Mapping[Who, Known]] = {}
        read = {pod.uid for run in world.runs for pod in run.pods}
        for uid, pod in list(self._mirror.departed.items()):
            if uid in read:  # it went after the round had begun
                continue
            run = runs.get(pod.child)
            stint = read_stint(run, pod, world.fleet, asked, gone=True) if run is not None and run.own is not None else None
            if run is None or stint is None:
                self._mirror.settle(uid)
                continue
            if run.child not in told:
                told[run.child] = parse_spans(run.status.spans or ())
            if is_settled(run.status, told[run.child], stint, inherited=uid in self._inherited):
                self._mirror.settle(uid)
            else:
                gone[run.child] += (pod,)
        return gone

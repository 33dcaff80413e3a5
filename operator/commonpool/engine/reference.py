"""The packing engine in plain Python: the oracle that the native one must equal, and what runs where that one is not built.

The idea. A free accelerator is worth something only if work can use it. For every class of work in the mix, what a node has *lost*
is the part of its free accelerators that this class could not use, however many pods of it came:

    lost_c(node) = free_gpu - units_c(node) * gpu_c        units_c = how many pods of class c still fit, by all four amounts

A pod goes where it makes the weighted loss grow least (or shrink most). This is fragmentation gradient descent (FGD: Weng et al.,
"Beware of Fragmentation", USENIX ATC'23, section 4), in a multi-unit form: FGD asks whether *one* more pod of a class fits and then
counts all of the node as usable for it; we count how many fit, so that a node short of processors or memory shows its loss before
its last pod does. Ties are packed tight: least accelerator left, then least processor left, then the lowest index.

A gang first chooses its domain. Among the domains that can take enough of it: the one that takes most of its pods, then the one with
the least free accelerators (keep the emptier ones for larger gangs), then the lowest number.
"""

import heapq
from array import array
from collections import defaultdict
from typing import TYPE_CHECKING, Self

from commonpool.engine import checks
from commonpool.engine.protocol import AMOUNTS, ANYWHERE, CLASS_FIELDS, NO_DOMAIN, Amounts, Fault, Fleet, GangAnswer, GangRequest
from commonpool.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

GPU, CPU = 0, 1


class ReferenceEngine:
    """Right and readable before fast: a few hundred gangs a second over some hundred nodes."""

    name = "reference"

    def open(self, fleet: Fleet) -> "ReferencePacking":
        """Copy the fleet into a packing, once a round."""
        checks.check_fleet(fleet)
        return ReferencePacking(fleet)


class ReferencePacking:
    """See `protocol.Packing`."""

    def __init__(self, fleet: Fleet) -> None:
        nodes = fleet.nodes
        self._free: list[Amounts] = [_amounts(fleet.free, start) for start in range(0, len(fleet.free), AMOUNTS)]
        self._domains = [fleet.domains[level * nodes : (level + 1) * nodes] for level in range(fleet.levels)]
        self._classes = [
            (_amounts(fleet.classes, start), fleet.classes[start + AMOUNTS])
            for start in range(0, len(fleet.classes), CLASS_FIELDS)
            if fleet.classes[start + GPU] > 0
        ]
        self._closed = False

    def place(self, request: GangRequest, eligible: "array[int]") -> GangAnswer:
        """Place the gang, or nothing of it; O(eligible + count * log(eligible)) scores."""
        self._check_open()
        checks.check_request(request, len(self._domains))
        checks.check_eligible(eligible, len(self._free))
        candidates, fit_count = self._choose_domain(request, eligible)
        chosen = self._choose_nodes(request, candidates)
        return GangAnswer(nodes=array("q", sorted(chosen)), fit_count=fit_count)

    def add(self, node: int, amounts: Amounts) -> None:
        """Give `amounts` back to a node, or take them where they are negative."""
        self._check_open()
        checks.check_amounts_length("amounts", amounts)
        checks.check_node(node, len(self._free))
        checks.check_within_limits("amounts", amounts)
        after = _plus(self._free[node], amounts)
        checks.check_within_limits("free after it", after)
        self._free[node] = after

    def close(self) -> None:
        """Forget the fleet."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None") -> None:
        self.close()

    def _check_open(self) -> None:
        if self._closed:
            raise EngineError("the packing is closed", code=Fault.BAD_HANDLE)

    def _choose_domain(self, request: GangRequest, eligible: "array[int]") -> tuple[list[int], int]:
        """Return the nodes of the best domain (none if no domain takes enough) and the most pods any domain could take."""
        members: defaultdict[int, list[int]] = defaultdict(list)
        for node in eligible:
            domain = 0 if request.level == ANYWHERE else self._domains[request.level][node]
            if domain != NO_DOMAIN:
                members[domain].append(node)
        ranked = []
        for domain, nodes in members.items():
            fits = min(request.count, sum(units(self._free[node], request.amounts) for node in nodes))
            free_gpu = sum(max(0, self._free[node][GPU]) for node in nodes)
            ranked.append((-fits, free_gpu, domain))
        if not ranked:
            return [], 0
        minus_fits, _, domain = min(ranked)
        return members[domain] if -minus_fits >= request.min_count else [], -minus_fits

    def _choose_nodes(self, request: GangRequest, candidates: list[int]) -> list[int]:
        """Take the best node for one pod after the other, at most `count` times; only the node just taken has a new score."""
        heap = [key for node in candidates if (key := self._key(node, request.amounts))]
        heapq.heapify(heap)
        chosen: list[int] = []
        while heap and len(chosen) < request.count:
            node = heap[0][-1]
            self._free[node] = _minus(self._free[node], request.amounts)
            chosen.append(node)
            key = self._key(node, request.amounts)
            if key:
                heapq.heapreplace(heap, key)
            else:
                heapq.heappop(heap)
        return chosen

    def _key(self, node: int, pod: Amounts) -> tuple[int, int, int, int] | None:
        """How good the node is for one more pod, least first and unique; None where it does not fit."""
        free = self._free[node]
        if not units(free, pod):
            return None
        after = _minus(free, pod)
        return self._lost(after) - self._lost(free), after[GPU], after[CPU], node

    def _lost(self, free: Amounts) -> int:
        return sum(weight * (free[GPU] - units(free, shape) * shape[GPU]) for shape, weight in self._classes)


def units(free: Amounts, shape: Amounts) -> int:
    """How many pods of `shape` (one amount above zero at least) fit into `free`; none into an overdrawn node."""
    return max(0, min(have // need for have, need in zip(free, shape, strict=True) if need > 0))


def _amounts(flat: "Sequence[int]", start: int) -> Amounts:
    gpu, cpu, memory, pods = flat[start : start + AMOUNTS]
    return gpu, cpu, memory, pods


def _plus(left: Amounts, right: Amounts) -> Amounts:
    return left[0] + right[0], left[1] + right[1], left[2] + right[2], left[3] + right[3]


def _minus(left: Amounts, right: Amounts) -> Amounts:
    return left[0] - right[0], left[1] - right[1], left[2] - right[2], left[3] - right[3]

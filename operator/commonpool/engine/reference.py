"""The packing engine in plain Python: the oracle that the native one must equal, and what runs where that one is not built.

A pod goes to the node whose free accelerators lose least worth to the work to come (`prices` says what they are worth). Ties are packed
tight: least accelerator left, then least processor left, then the lowest index.

A gang is first shared out among domains (`gangs` says how); in each of them its pods go to nodes one after the other, each to the best
node for it. Of equal nodes the first in the order of the topology is taken.
"""

import heapq
from array import array
from typing import TYPE_CHECKING

from commonpool.engine import checks
from commonpool.engine.closing import Closing
from commonpool.engine.domains import Spot, build_tree, find_leaf_level, sort_spots
from commonpool.engine.gangs import Sharing
from commonpool.engine.prices import learn_prices
from commonpool.engine.protocol import AMOUNTS, CLASS_FIELDS, MAX_COUNT, Amounts, Fleet, GangAnswer, GangRequest
from commonpool.engine.vectors import add_vectors, count_pods, subtract_vectors

if TYPE_CHECKING:
    from collections.abc import Sequence

GPU, CPU = 0, 1


class ReferenceEngine:
    """Right and readable before fast: a few hundred gangs a second over some hundred nodes."""

    name = "reference"

    def open(self, fleet: Fleet) -> "ReferencePacking":
        """Copy the fleet into a packing, once a round."""
        checks.check_fleet(fleet)
        return ReferencePacking(fleet)


class ReferencePacking(Closing):
    """See `protocol.Packing`."""

    def __init__(self, fleet: Fleet) -> None:
        nodes = fleet.nodes
        self._free: list[Amounts] = [_amounts(fleet.free, start) for start in range(0, len(fleet.free), AMOUNTS)]
        self._capacity = [_amounts(fleet.capacity, start) for start in range(0, len(fleet.capacity), AMOUNTS)]
        self._sites: list[array[int]] = []
        self._domains = [fleet.domains[level * nodes : (level + 1) * nodes] for level in range(fleet.levels)]
        classes = [
            (_amounts(fleet.classes, start), fleet.classes[start + AMOUNTS])
            for start in range(0, len(fleet.classes), CLASS_FIELDS)
            if fleet.classes[start + GPU] > 0
        ]
        self._prices = learn_prices(self._capacity, classes)

    def select(self, eligible: "array[int]") -> int:
        """Number a choice of nodes."""
        self._check_open()
        checks.check_eligible(eligible, len(self._free))
        checks.check_sites(len(self._sites))
        self._sites.append(eligible[:])
        return len(self._sites) - 1

    def place(self, request: GangRequest, site: int) -> GangAnswer:
        """Place the gang, or nothing of it."""
        self._check_open()
        checks.check_request(request, len(self._domains))
        checks.check_site(site, len(self._sites))
        sharing = self._build_sharing(request, self._sites[site])
        segments = sharing.measure()
        fit_count = segments * request.segment
        if not segments or fit_count < request.min_count:
            return GangAnswer(nodes=array("q"), fit_count=fit_count)
        nodes = array("q")
        for spots, pods in sharing.share(segments):
            places = self._choose_nodes(request.amounts, [spot.node for spot in spots], pods)
            nodes.extend(spots[place].node for place in sorted(places))
        return GangAnswer(nodes=nodes, fit_count=fit_count)

    def add(self, node: int, amounts: Amounts) -> None:
        """Give `amounts` back to a node, or take them where they are negative."""
        self._check_open()
        checks.check_amounts_length("amounts", amounts)
        checks.check_node(node, len(self._free))
        checks.check_within_limits("amounts", amounts)
        after = add_vectors(self._free[node], amounts)
        checks.check_within_limits("free after it", after)
        self._free[node] = after

    def _build_sharing(self, request: GangRequest, eligible: "array[int]") -> Sharing:
        pod = request.amounts
        spots = [
            Spot(
                node,
                units=min(MAX_COUNT, count_pods(self._free[node], pod)),
                whole=min(MAX_COUNT, count_pods(self._capacity[node], pod)),
                gpu=max(0, self._free[node][GPU]),
            )
            for node in eligible
        ]
        largest = max((self._capacity[spot.node][GPU] for spot in spots if spot.whole), default=0)
        spots = sort_spots(spots, self._domains)
        leaf_level = find_leaf_level(request, self._domains, spots, takes_whole_nodes=largest > 0 and largest == pod[GPU])
        return Sharing(request, build_tree(spots, self._domains, leaf_level))

    def _choose_nodes(self, pod: Amounts, nodes: list[int], count: int) -> list[int]:
        """Take the best node for one pod after the other; only the node just taken has a new score. Answers places in `nodes`."""
        heap = [(*score, place) for place, node in enumerate(nodes) if (score := self._score(node, pod))]
        heapq.heapify(heap)
        chosen: list[int] = []
        while len(chosen) < count:
            place = heap[0][-1]
            node = nodes[place]
            self._free[node] = subtract_vectors(self._free[node], pod)
            chosen.append(place)
            score = self._score(node, pod)
            if score:
                heapq.heapreplace(heap, (*score, place))
            else:
                heapq.heappop(heap)
        return chosen

    def _score(self, node: int, pod: Amounts) -> tuple[int, int, int] | None:
        """How good the node is for one more pod, least first; None where it does not fit."""
        free = self._free[node]
        if not count_pods(free, pod):
            return None
        after = subtract_vectors(free, pod)
        return self._prices.compute_worth(free) - self._prices.compute_worth(after), after[GPU], after[CPU]


def _amounts(flat: "Sequence[int]", start: int) -> Amounts:
    gpu, cpu, memory, pods = flat[start : start + AMOUNTS]
    return gpu, cpu, memory, pods

"""The reference of partitioned cards: how the cards of a model are cut into instances (scheduler/packing/partition.go).

A card has slices, and an instance of a profile takes up one of a few sets of them: NVIDIA's MIG cards have eight slices of memory, and
profiles that begin on some of them only. A card's state is its free slices, a bit each; it may be cut in any way in which no two instances
overlap.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from commonpool.engine.cards import MAX_SLICES

Placement = tuple[int, int]
"""A profile, and the slices that an instance takes up."""


@dataclass(frozen=True, slots=True)
class Partition:
    """Where instances may lie: in ascending order of profiles, then of slices."""

    rows: tuple[Placement, ...]

    @property
    def full(self) -> int:
        """All slices of a card."""
        full = 0
        for _, slices in self.rows:
            full |= slices
        return full

    @property
    def states(self) -> int:
        """More than any state of a card."""
        return 1 << self.full.bit_length()

    def list_slices(self, profile: int) -> list[int]:
        """The slices that an instance of the profile may take up, in ascending order."""
        return [slices for known, slices in self.rows if known == profile]

    def compute_part(self, profile: int) -> float:
        """How much of a card the profile takes up, where it takes up least."""
        return min((slices.bit_count() for slices in self.list_slices(profile)), default=MAX_SLICES) / self.full.bit_count()

    def count_most(self, profile: int) -> int:
        """How many instances of the profile fit on a card."""
        placements, counts = self.list_slices(profile), [0]
        for free in range(1, self.states):
            most = counts[free & (free - 1)]
            counts.append(max([most, *(1 + counts[free & ~slices] for slices in placements if slices & ~free == 0)]))
        return counts[self.full]

    def sum_ways(self, weights: Mapping[int, float]) -> list[float]:
        """For every state the sum over all ways to cut it of the product of its instances' weights (by profile).

        A way leaves the lowest free slice empty or has an instance there, so each is met once.
        """
        firsts = self._group_by_first()
        sums = [1.0]
        for free in range(1, self.states):
            total = sums[free & (free - 1)]
            for profile, slices in firsts.get(free & -free, ()):
                if slices & ~free == 0:
                    total += weights.get(profile, 0.0) * sums[free & ~slices]
            sums.append(total)
        return sums

    def share(self, cards: Mapping[int, float], sums: list[float], weights: Mapping[int, float]) -> dict[int, float]:
        """How many instances of each profile there are on so many cards in each state, in the mean over all ways by their weights."""
        firsts = self._group_by_first()
        left = [0.0] * self.states
        for state, count in cards.items():
            left[state] = count
        instances: dict[int, float] = {}
        for free in range(self.states - 1, 0, -1):
            if left[free] == 0:
                continue
            each = left[free] / sums[free]
            left[free & (free - 1)] += each * sums[free & (free - 1)]
            for profile, slices in firsts.get(free & -free, ()):
                if slices & ~free == 0:
                    taken = each * weights.get(profile, 0.0) * sums[free & ~slices]
                    instances[profile] = instances.get(profile, 0.0) + taken
                    left[free & ~slices] += taken
        return instances

    def _group_by_first(self) -> dict[int, list[Placement]]:
        firsts: dict[int, list[Placement]] = {}
        for profile, slices in self.rows:
            firsts.setdefault(slices & -slices, []).append((profile, slices))
        return firsts

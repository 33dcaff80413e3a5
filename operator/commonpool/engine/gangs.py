"""How a gang is shared out among domains, in plain Python: the oracle for scheduler/packing, and the one place that says what is best.

**What may be.** The domains of a site form a tree: under the whole site the domains of the widest level, in them those of the next, down
to the *leaves*, below which nodes are chosen one by one. Leaves are the narrowest level that the request names; a pod that takes
all accelerators of every node that holds it is shared out down to the narrowest level at which domains have several nodes, because
for such pods it is domains, and not nodes, that can be broken. Nodes without a domain at the levels that are left form a leaf of their own.

**What is best**, of all that may be, in this order:

1. the most pods;
2. if they are spread: the highest least number in a used domain (so the fewest and most equal domains);
3. the fewest domains of each level down to the preferred one, a wider level before a narrower one. Levels count from the widest on
   as long as their numbers fit 62 bits;
4. the least *loss*: by how much grows what later gangs cannot use of the domains, of all levels down to the leaves. A gang that must
   stay inside one domain cannot use any of one with less room than it needs. Of all sizes of gangs up to the whole domain (`w` pods
   when it is empty), those above the room `u` that is left lose all of it: on average `u * (w - u) / w`, nothing where the domain
   is full or whole, most where it is half of each. It is not over classes that are known, as what a node is worth is (`prices`),
   because a gang of next week has any size. Each used domain counts a little more, for ties;
5. the least free accelerators in the leaves that are touched;
6. of two equal halves of a row of domains the first takes as much as it can, and so on within each half.

Each domain has a table: the least cost (3 to 5 as one tuple) of every number of pods in it. The tables of two halves of a row of domains
combine by trying all ways to share a number among them (min-plus convolution), so the result is exact, as far as `MAX_LOOKAHEAD` pods or
segments in one domain. Beyond that the largest domains are filled whole until what is left is within it. Spreading adds to the number of
pods how many domains have been used, as far as that is asked for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from commonpool.engine.domains import Domain, Spot
from commonpool.engine.protocol import ANYWHERE, MAX_LOOKAHEAD, GangRequest

Cost = tuple[int, int, int]
Table = dict[tuple[int, int], Cost]
"""By used domains of the spread level (as far as counted) and pods (or segments)."""

FREE: Cost = (0, 0, 0)
FAR_BITS = 62
LOSS_SCALE = 1 << 10
LOSS_BITS = 26

_NOWHERE = -2
"""No level at all, not even that of the whole site."""


@dataclass(frozen=True, slots=True)
class Half:
    """A row of domains, and the two rows that it is made of, down to one domain."""

    table: Table
    parts: "tuple[Half, Half] | None" = None
    domain: Domain | None = None


class Sharing:
    """One gang in one tree of domains."""

    def __init__(self, request: GangRequest, root: Domain) -> None:
        self._request = request
        self._root = root
        self._segment_level = request.segment_level if request.segment > 1 else max(request.level, request.spread_level)
        """Below it pods are counted, down to it segments; of one pod they are the same."""
        self._spread_level = _NOWHERE if request.spread_level == ANYWHERE else request.spread_level
        self._min_domains = request.min_domains
        self._least = 0
        self._weights = _weigh_levels(request.preferred, len(root.spots))

    def measure(self) -> int:
        """The most segments that can be, and set what that means for domains that are spread over."""
        most = self._request.count // self._request.segment
        homes = list(self._find_homes(self._root))
        if self._spread_level == _NOWHERE:
            return min(most, max((self._capacity(home) for home in homes), default=0))
        best = 0
        for home in homes:
            found = find_spread(sorted(self._list_spread(home), reverse=True), most, self._min_domains, self._request.max_skew)
            best, self._least = max((best, self._least), found)
        return best

    def share(self, segments: int) -> list[tuple[Sequence[Spot], int]]:
        """Which spots have how many pods among them, in the order of the topology."""
        best: tuple[Cost, int, Domain, Half | None] | None = None
        for order, (home, outside) in enumerate(self._find_paths(self._root, FREE, segments)):
            if self._capacity(home) < segments:
                continue
            half = self._tabulate(home, segments) if segments <= MAX_LOOKAHEAD else None
            inside = self._own(home, segments) if half is None else half.table.get((self._min_domains, segments))
            if inside is not None and (best is None or (_plus(outside, inside), order) < best[:2]):
                best = _plus(outside, inside), order, home, half
        if best is None:
            raise AssertionError("what was measured can be shared out")
        return list(self._assign(best[2], self._min_domains, segments))

    def _find_homes(self, domain: Domain) -> Iterator[Domain]:
        """The domains one of which must hold all."""
        if domain.level == self._request.level:
            yield domain
        elif domain.level < self._request.level:
            for each in domain.inside:
                if not each.loose:
                    yield from self._find_homes(each)

    def _find_paths(self, domain: Domain, outside: Cost, segments: int) -> Iterator[tuple[Domain, Cost]]:
        """The same with what it costs in the domains around them."""
        if domain.level == self._request.level:
            yield domain, outside
        elif domain.level < self._request.level:
            cost = _plus(outside, self._own(domain, segments))
            for each in domain.inside:
                if not each.loose:
                    yield from self._find_paths(each, cost, segments)

    def _list_spread(self, domain: Domain) -> Iterator[int]:
        """Room in each domain of the spread level."""
        if domain.level == self._spread_level:
            yield self._capacity(domain)
        else:
            for each in self._usable(domain):
                yield from self._list_spread(each)

    def _usable(self, domain: Domain) -> list[Domain]:
        """What of its inside may be used: a segment, and what is spread, needs a domain of its level."""
        return [
            each
            for each in domain.inside
            if all(domain.level >= level or (each.level <= level and not each.loose) for level in (self._spread_level, self._segment_level))
        ]

    def _capacity(self, domain: Domain) -> int:
        """How many segments (below their level: pods) it holds."""
        if domain.level > self._segment_level:
            return domain.units
        if domain.level == self._segment_level and domain.level >= self._spread_level:
            return domain.units // self._request.segment
        return sum(self._capacity(each) for each in self._usable(domain))

    def _count_pods(self, domain: Domain, number: int) -> int:
        return number * self._request.segment if domain.level <= self._segment_level else number

    def _count_inside(self, domain: Domain, number: int) -> int:
        """The same number as the domains inside count it."""
        return number * self._request.segment if domain.level == self._segment_level else number

    def _own(self, domain: Domain, number: int) -> Cost:
        """The cost of so many in the domain, but for what is inside of it."""
        if not number or domain.level == ANYWHERE:
            return FREE
        far = sum(self._weights[domain.around + 1 : domain.level + 1])
        left = domain.units - self._count_pods(domain, number)
        lost = 0 if domain.loose else count_lost(left, domain.whole) - count_lost(domain.units, domain.whole)
        return far, lost + 1, 0 if domain.inside else domain.gpu

    def _tabulate(self, domain: Domain, most: int) -> Half:
        """The least cost of each number that the domain may have, at most `most`."""
        most = min(most, self._capacity(domain))
        half = self._tabulate_row(self._usable(domain), min(MAX_LOOKAHEAD, self._count_inside(domain, most))) if domain.inside else None
        table: Table = {(0, 0): FREE}
        for number in range(1, most + 1):
            inside = self._count_inside(domain, number)
            for used in range(self._min_domains + 1):
                blind = half is None or inside > MAX_LOOKAHEAD
                cost = (FREE if used == 0 else None) if blind or half is None else half.table.get((used, inside))
                if cost is None:
                    continue
                if domain.level != self._spread_level:
                    table[used, number] = _plus(cost, self._own(domain, number))
                elif self._least <= number <= self._least + self._request.max_skew:
                    table[1, number] = _plus(cost, self._own(domain, number))
        return Half(table, domain=domain)

    def _tabulate_row(self, row: Sequence[Domain], most: int) -> Half:
        if not row:
            return Half({(0, 0): FREE})
        if len(row) == 1:
            return self._tabulate(row[0], most)
        middle = len(row) // 2
        left, right = self._tabulate_row(row[:middle], most), self._tabulate_row(row[middle:], most)
        table: Table = {}
        for (used, number), cost in left.table.items():
            for (more, rest), other in right.table.items():
                if number + rest <= most:
                    key, both = (min(self._min_domains, used + more), number + rest), _plus(cost, other)
                    if key not in table or both < table[key]:
                        table[key] = both
        return Half(table, (left, right))

    def _assign(self, domain: Domain, used: int, number: int) -> Iterator[tuple[Sequence[Spot], int]]:
        """To the leaves of the domain, in order."""
        if not domain.inside:
            yield domain.spots, self._count_pods(domain, number)
            return
        number, row = self._count_inside(domain, number), self._usable(domain)
        whole: dict[int, int] = {}
        for order, each in sorted(enumerate(row), key=lambda item: -self._capacity(item[1])):
            if number <= MAX_LOOKAHEAD:
                break
            whole[order] = min(number, self._capacity(each))
            number -= whole[order]
        rest = [each for order, each in enumerate(row) if order not in whole]
        used = 0 if domain.level == self._spread_level else used
        shares = iter(self._split(self._tabulate_row(rest, number), used, number))
        for order, each in enumerate(row):
            uses, has = (0, whole[order]) if order in whole else next(shares)
            if has:
                yield from self._assign(each, uses, has)

    def _split(self, half: Half, used: int, number: int) -> Iterator[tuple[int, int]]:
        """What each domain of a row gets of the best way to share out `number`."""
        if half.domain is not None:
            yield used, number
        elif half.parts is not None:
            left, right = half.parts
            uses, has, more = self._find_split(half, used, number)
            yield from self._split(left, uses, has)
            yield from self._split(right, more, number - has)

    def _find_split(self, half: Half, used: int, number: int) -> tuple[int, int, int]:
        """Used domains and number of the first half, used domains of the second; as much as can be in the first."""
        left, right = half.parts or (half, half)
        for uses, has in sorted(left.table, key=lambda key: (-key[1], -key[0])):
            for more in range(self._min_domains, -1, -1):
                other = right.table.get((more, number - has))
                if other is None or min(self._min_domains, uses + more) != used:
                    continue
                if _plus(left.table[uses, has], other) == half.table[used, number]:
                    return uses, has, more
        raise AssertionError("a table holds only what its halves have")


def find_spread(rooms: Sequence[int], most: int, min_domains: int, max_skew: int) -> tuple[int, int]:
    """The most that can be spread over domains with so much room each (largest first), and the highest least number with which it can."""
    best = (0, 0)
    for least in range(1, most + 1):
        sums = 0
        for used, room in enumerate(rooms, start=1):
            if room < least or used * least > most:
                break
            sums += min(room, least + max_skew)
            if used >= min_domains:
                best = max(best, (min(most, sums), least))
    return best


def count_lost(units: int, whole: int) -> int:
    """What gangs of all sizes on average cannot use of a domain with so much room, in 1024ths of a pod.

    Of a size beyond 26 bits only the first 26 count, so that no product leaves 64.
    """
    if whole <= 0:
        return 0
    shift = max(0, whole.bit_length() - LOSS_BITS)
    size, room = whole >> shift, min(units, whole) >> shift
    return room * (size - room) * LOSS_SCALE // size << shift


def _weigh_levels(preferred: int, spots: int) -> list[int]:
    """What a used domain of each level counts, so that no number of narrower ones comes to one wider one."""
    bits = spots.bit_length()
    counted = min(preferred + 1, FAR_BITS // bits) if bits else 0
    return [1 << (bits * (counted - 1 - level)) for level in range(counted)]


def _plus(left: Cost, right: Cost) -> Cost:
    return left[0] + right[0], left[1] + right[1], left[2] + right[2]

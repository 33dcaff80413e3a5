"""What a tenant may still take: limits, borrowing, and what is kept for others.

What a tenant holds counts at itself and at each tenant above it; a request must pass
every line with the pool on that chain. Answers are numbers; `explain` makes sentences of them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from commonpool.model.ids import PoolName, TenantName
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import QuotaLine
from commonpool.planner.reserve import MICRO, LineState, PoolSet
from commonpool.planner.tree import TenantTree

WHOLE_MILLI = 1000


@dataclass(frozen=True, slots=True)
class Refusal:
    """What stops one pod more. Amounts in thousandths of the unit."""

    reason: Reason
    pools: tuple[PoolName, ...]
    in_accelerators: bool
    """Whether the unit is an accelerator, else a reference accelerator."""
    pod: int
    """What one pod counts."""
    used: int = 0
    most: int = 0
    """How much may be used at most, or how much is kept for others."""
    free: int = 0
    own: bool = True
    """Whether it is the tenant's own line, else one of a tenant above it."""
    guarantee: bool = False
    """Whether the guarantee is the limit, because the work must not borrow."""
    claimed: bool = False
    """Whether what the guarantee leaves is set aside for other work that it covers."""


@dataclass(frozen=True, slots=True)
class Room:
    """How many pods quota allows, and why not one more; no refusal if all that were asked for."""

    pods: int
    refusal: Refusal | None = None


class Quota:
    """Running totals of all quota lines during a round."""

    def __init__(self, tree: TenantTree, lines: Iterable[QuotaLine]) -> None:
        self._tree = tree
        self._states: defaultdict[tuple[TenantName, PoolName], list[LineState]] = defaultdict(list)
        self._on_chains: dict[tuple[TenantName, PoolName], Sequence[LineState]] = {}
        states: list[LineState] = []
        for line in lines:
            state = LineState(line, dict(zip(line.pools, line.weights_milli, strict=True)))
            states.append(state)
            for pool in state.weights:
                self._states[line.tenant, pool].append(state)
        self._sets = _build_sets(states, tree)
        self._sets_of: defaultdict[PoolName, list[PoolSet]] = defaultdict(list)
        for each in self._sets:
            for pool in each.weights:
                self._sets_of[pool].append(each)

    def count_held(self, tenant: TenantName, pool: PoolName, gpu_milli: int) -> None:
        """Count what is held already; before `open`."""
        for state in self._on_chain(tenant, pool):
            state.used += gpu_milli * state.weights[pool]

    def open(self, free: Mapping[PoolName, int]) -> None:
        """Say what is free in each pool (milli-accelerators), once all that is held is counted."""
        for each in self._sets:
            each.free = sum(free.get(pool, 0) * weight for pool, weight in each.weights.items())
            each.settle()

    def add_free(self, pool: PoolName, gpu_milli: int) -> None:
        """So much more is free, or less: nodes came or go."""
        for each in self._sets_of[pool]:
            each.free += gpu_milli * each.weights[pool]

    def take(self, tenant: TenantName, pool: PoolName, gpu_milli: int) -> None:
        """Grant a request; below zero: take back what was granted or held."""
        chain = self._tree.chain(tenant)
        for each in self._sets_of[pool]:
            each.take(chain, pool, gpu_milli)
        self.count_held(tenant, pool, gpu_milli)

    def count_going(self, tenant: TenantName, pool: PoolName, gpu_milli: int) -> None:
        """So much of what is held is on its way back; below zero: not any more."""
        for state in self._on_chain(tenant, pool):
            state.going += gpu_milli * state.weights[pool]

    def covers(self, tenant: TenantName, pool: PoolName) -> bool:
        """Whether a line of the tenant, or of one above it, speaks of the pool."""
        return any(self._states.get((above, pool)) for above in self._tree.chain(tenant))

    def choose_why(self, tenant: TenantName, pool: PoolName, gpu_milli: int) -> Reason:
        """On what ground so much more would be held: the nearest lines on the chain that speak of the pool say it."""
        for above in self._tree.chain(tenant):
            states = self._states.get((above, pool), ())
            if any(state.used + gpu_milli * state.weights[pool] <= state.line.guaranteed * MICRO for state in states):
                return Reason.WITHIN_GUARANTEE
            if states:
                return Reason.BORROWED
        return Reason.SHARED

    def find_guarantor(self, tenant: TenantName, pool: PoolName, gpu_milli: int) -> TenantName | None:
        """Whose guarantee would cover so much more: the nearest on the chain whose lines speak of the pool, if they do."""
        for above in self._tree.chain(tenant):
            states = self._states.get((above, pool), ())
            if any(state.used + gpu_milli * state.weights[pool] <= state.line.guaranteed * MICRO for state in states):
                return above
            if states:
                return None
        return None

    def guarantees(self, tenant: TenantName, pool: PoolName) -> Iterable[LineState]:
        """The lines of the tenant, and of all above it, that guarantee something in the pool."""
        return [state for state in self._on_chain(tenant, pool) if state.line.guaranteed]

    def list_nearest(self, tenant: TenantName, pool: PoolName) -> Sequence[LineState]:
        """The lines that speak of the pool of the nearest tenant on the chain that has any: by these work of tier Guaranteed is placed."""
        return next((states for above in self._tree.chain(tenant) if (states := self._states.get((above, pool)))), ())

    def measure(self, tenant: TenantName, pool: PoolName, pod_gpu_milli: int, pods: int) -> Room:
        """How many of `pods` the tenant may have; O(lines of the chain + sets of the pool x log pods)."""
        room = self.measure_limits(tenant, pool, pod_gpu_milli, pods)
        for each in self._sets_of[pool]:
            room = self._measure_set(each, tenant, pool, pod_gpu_milli, room)
        return room

    def measure_limits(self, tenant: TenantName, pool: PoolName, pod_gpu_milli: int, pods: int) -> Room:
        """The same by limits and borrowing alone, whatever is kept for others."""
        room = Room(pods)
        for state in self._on_chain(tenant, pool):
            line, cost = state.line, pod_gpu_milli * state.weights[pool]
            borrowing = None if line.borrowable is None else line.guaranteed + line.borrowable
            for most, reason in ((line.limit, Reason.QUOTA_REACHED), (borrowing, Reason.BORROWING_LIMIT_REACHED)):
                if most is None or not cost:
                    continue
                fitting = max(0, most * MICRO - state.used) // cost
                if fitting < room.pods:
                    refusal = Refusal(
                        reason,
                        line.pools,
                        in_accelerators=_is_plain(state.weights),
                        pod=cost // MICRO,
                        used=state.used // MICRO,
                        most=most,
                        own=line.tenant == tenant,
                    )
                    room = Room(fitting, refusal)
        return room

    def measure_guarantee(self, tenant: TenantName, pool: PoolName, pod_gpu_milli: int, pods: int) -> Room:
        """How many of `pods` are within the guarantee: what work of tier Guaranteed may have."""
        for above in self._tree.chain(tenant):
            if self._states.get((above, pool)):
                return self.measure_within(above, pool, pod_gpu_milli, pods)
        refusal = Refusal(Reason.QUOTA_REACHED, (pool,), in_accelerators=True, pod=pod_gpu_milli, guarantee=True)
        return Room(0, refusal) if pod_gpu_milli else Room(pods)

    def measure_within(self, guarantor: TenantName, pool: PoolName, pod_gpu_milli: int, pods: int) -> Room:
        """How many of `pods` are within the guarantee of this very tenant, by the line that allows most."""
        rooms = [_measure_line(state, pool, pod_gpu_milli, pods) for state in self._states.get((guarantor, pool), ())]
        return max(rooms, key=lambda room: room.pods, default=Room(pods))

    def _measure_set(self, each: PoolSet, tenant: TenantName, pool: PoolName, pod_gpu_milli: int, room: Room) -> Room:
        chain = self._tree.chain(tenant)
        if each.admits(chain, pool, room.pods * pod_gpu_milli):
            return room
        allowed, refused = 0, room.pods
        while refused - allowed > 1:
            middle = (allowed + refused) // 2
            if each.admits(chain, pool, middle * pod_gpu_milli):
                allowed = middle
            else:
                refused = middle
        return Room(
            allowed,
            Refusal(
                Reason.RESERVED_FOR_OTHERS,
                tuple(sorted(each.weights)),
                in_accelerators=_is_plain(each.weights),
                pod=pod_gpu_milli * each.weights[pool] // MICRO,
                most=each.kept_after(chain, pool, refused * pod_gpu_milli) // MICRO,
                free=each.free // MICRO,
            ),
        )

    def _on_chain(self, tenant: TenantName, pool: PoolName) -> Sequence[LineState]:
        known = self._on_chains.get((tenant, pool))
        if known is None:
            known = [state for above in self._tree.chain(tenant) for state in self._states.get((above, pool), ())]
            self._on_chains[tenant, pool] = known
        return known


def _measure_line(state: LineState, pool: PoolName, pod_gpu_milli: int, pods: int) -> Room:
    cost, most = pod_gpu_milli * state.weights[pool], state.line.guaranteed
    fitting = max(0, most * MICRO - state.used) // cost if cost else pods
    if fitting >= pods:
        return Room(pods)
    refusal = Refusal(
        Reason.QUOTA_REACHED,
        state.line.pools,
        in_accelerators=_is_plain(state.weights),
        pod=cost // MICRO,
        used=state.used // MICRO,
        most=most,
        guarantee=True,
    )
    return Room(fitting, refusal)


def _is_plain(weights: Mapping[PoolName, int]) -> bool:
    return all(weight == WHOLE_MILLI for weight in weights.values())


def _build_sets(states: list[LineState], tree: TenantTree) -> list[PoolSet]:
    """One set for each pool alone and one for each several pools and weights that some line speaks of."""
    wanted: set[tuple[tuple[PoolName, int], ...]] = set()
    for state in states:
        wanted.update(((pool, WHOLE_MILLI),) for pool in state.weights)
        if len(state.weights) > 1:
            wanted.add(tuple(sorted(state.weights.items())))
    sets = [PoolSet(dict(weights), tree) for weights in sorted(wanted)]
    for each in sets:
        each.claim(states)
    return [each for each in sets if each.is_claimed]

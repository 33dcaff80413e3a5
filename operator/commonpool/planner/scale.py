"""The seventh stage: pools ask for nodes that waiting work needs, whole gangs at a time, and give back what nothing needs.

Who asks is whom quota would let start and whom neither what is free, nor what comes back, nor the nodes on
their way can serve. Empty nodes beyond the least are surplus as long as nobody waits who could use the
pool; they go once that has lasted. A guarantee keeps no nodes: they can be asked for again.
"""

from collections.abc import Iterable, Sequence

from commonpool.model.ids import NodeName, PoolName, TenantName, WorkloadName
from commonpool.model.plan import ScalePool
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Pool, Snapshot, Workload
from commonpool.planner.layout import build_wish, least
from commonpool.planner.outlook import Question
from commonpool.planner.place import Draft
from commonpool.planner.size import EmptyPool


class Scaler:
    """The pools of a round that can get nodes."""

    def __init__(self, snapshot: Snapshot, draft: Draft, sizes: EmptyPool) -> None:
        self._now_at = snapshot.now_at
        self._draft = draft
        self._sizes = sizes
        self._pools = [pool for pool in snapshot.pools if pool.scaling is not None]
        self._asked: dict[PoolName, Reason] = {}
        self._hopeless: set[tuple[object, ...]] = set()
        self.served: dict[WorkloadName, tuple[Reason, PoolName]] = {}
        """Who waits for nodes, and where."""
        self.surplus: tuple[PoolName, ...] = ()
        """Pools with nodes that nothing needs, but not for long enough yet."""

    @property
    def applies(self) -> bool:
        """Whether there is anything to decide."""
        return bool(self._pools)

    def ask(self, waiting: Iterable[tuple[TenantName, Workload, Sequence[PoolName]]]) -> None:
        """Ask for nodes for those who wait, in their order."""
        for pool in self._pools:
            missing = (pool.scaling.least_nodes if pool.scaling else 0) - self._count_wanted(pool.name)
            if missing > 0:
                self._expect(pool.name, missing, Reason.BELOW_LEAST_NODES)
        scaled = {pool.name for pool in self._pools}
        for tenant, workload, pools in waiting:
            questions = [Question(workload, tenant, pool, least(workload)) for pool in pools if pool in scaled]
            any(self._could(question) and self._serve(question) for question in questions)  # the first that can

    def decide(self, wanted: set[PoolName]) -> tuple[ScalePool, ...]:
        """How many nodes each pool should have, where that is not what it has been asked for. `wanted`: somebody waits for them."""
        scales, surplus = [], []
        for pool in self._pools:
            if pool.name in self._asked:
                scales.append(self._build_ask(pool, self._asked[pool.name]))
            elif pool.scaling is not None and pool.name not in wanted:
                empty = self._find_empty(pool.name)
                present = self._draft.ground.count_present(pool.name)
                target = max(pool.scaling.least_nodes, present - len(empty))
                if self._count_wanted(pool.name) <= target:
                    continue
                if self._now_at - (pool.scaling.surplus_since_at or self._now_at) < pool.scaling.cooldown_seconds:
                    surplus.append(pool.name)
                else:
                    scales.append(_build_release(pool.name, target, empty[: max(0, present - target)]))
        self.surplus = tuple(surplus)
        return tuple(scales)

    def _could(self, question: Question) -> bool:
        """Whether limits let it in, and nobody like it was told no before; room only shrinks here."""
        room = self._draft.measure_limits(question.workload, question.tenant, question.pool, question.count)
        return (
            _build_key(question) not in self._hopeless
            and room.pods >= question.count
            and self._sizes.could_hold(question.workload, question.pool, question.count)
        )

    def _serve(self, question: Question) -> bool:
        """Whether the workload will find room in the pool, with new nodes if need be."""
        outlook, workload, pool = self._draft.outlook, question.workload, question.pool
        if outlook.fit(question):
            return True
        if outlook.booting[pool] and outlook.fit(question, outlook.booting[pool]):
            self.served[workload.name] = (Reason.WAITS_FOR_NODES, pool)
            return True
        number = self._count_needed(question)
        if not number:
            self._hopeless.add(_build_key(question))
            return False
        self._expect(pool, number, Reason.WORK_NEEDS_NODES)
        outlook.fit(question, outlook.booting[pool])
        self.served[workload.name] = (Reason.WAITS_FOR_NODES, pool)
        return True

    def _count_needed(self, question: Question) -> int:
        """The fewest new nodes with which the question fits; 0 if it does not with all there may be."""
        scaling = self._draft.ground.pools[question.pool].scaling
        too_few, enough = 0, (scaling.most_nodes if scaling is not None else 0) - self._count_wanted(question.pool)
        if enough <= 0 or not self._would_fit(question, enough):
            return 0
        while enough - too_few > 1:
            middle = (too_few + enough) // 2
            if self._would_fit(question, middle):
                enough = middle
            else:
                too_few = middle
        return enough

    def _would_fit(self, question: Question, number: int) -> bool:
        outlook = self._draft.outlook
        outlook.count_nodes(question.pool, number)
        nodes = outlook.fit(question, outlook.booting[question.pool] + number)
        if nodes:
            outlook.forget(question, nodes)
        outlook.count_nodes(question.pool, -number)
        return bool(nodes)

    def _expect(self, pool: PoolName, number: int, why: Reason) -> None:
        self._draft.outlook.expect_nodes(pool, number)
        self._asked[pool] = why

    def _count_wanted(self, pool: PoolName) -> int:
        """Nodes that are there to stay or on their way."""
        return self._draft.ground.count_present(pool) + self._draft.outlook.booting[pool]

    def _build_ask(self, pool: Pool, why: Reason) -> ScalePool:
        nodes = self._count_wanted(pool.name)
        what = "work waits that fits no node it has" if why is Reason.WORK_NEEDS_NODES else "it has fewer than its least"
        return ScalePool(pool.name, nodes, why, f"pool `{pool.name}` asks for `{nodes}` nodes: {what}")

    def _find_empty(self, pool: PoolName) -> list[NodeName]:
        """Nodes that nobody uses: those that take no pods first, then from the far end."""
        ground = self._draft.ground
        empty = [
            index
            for index in ground.of_pool(pool)
            if index not in self._draft.busy and not ground.nodes[index].releasing and not ground.nodes[index].foreign.gpu_milli
        ]
        return [ground.nodes[index].name for index in sorted(empty, key=lambda index: (ground.nodes[index].schedulable, -index))]


def find_wanted(draft: Draft, sizes: EmptyPool, waiting: Iterable[tuple[TenantName, Workload, Sequence[PoolName]]]) -> set[PoolName]:
    """Pools that somebody waits for whom his limits would let in and who could ever fit."""
    wanted: set[PoolName] = set()
    for tenant, workload, pools in waiting:
        pods = least(workload)
        for pool in pools:
            if (
                pool not in wanted
                and draft.measure_limits(workload, tenant, pool, pods).pods >= pods
                and sizes.could_hold(workload, pool, pods)
            ):
                wanted.add(pool)
    return wanted


def _build_key(question: Question) -> tuple[object, ...]:
    """What makes two questions the same; a workload that has begun is like no other."""
    workload = question.workload
    who = workload.name if workload.begun else ""
    return (who, question.tenant, question.pool, question.count, workload.shape, build_wish(workload))


def _build_release(pool: PoolName, nodes: int, release: Sequence[NodeName]) -> ScalePool:
    return ScalePool(pool, nodes, Reason.NODES_IDLE, f"pool `{pool}` keeps `{nodes}` nodes: nothing needs the others", tuple(release))

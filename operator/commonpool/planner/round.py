"""A whole round: candidates, patience, order, place, claim, head, scale, grow, explain."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from commonpool.engine.protocol import Engine
from commonpool.model.assume import assume_plan
from commonpool.model.elastic import may_grow
from commonpool.model.ids import PoolName, TenantName
from commonpool.model.plan import Hold, Place, Plan
from commonpool.model.reasons import QUEUED_REASONS, Reason
from commonpool.model.snapshot import Snapshot, Workload
from commonpool.planner.candidates import Chooser
from commonpool.planner.claim import Claims
from commonpool.planner.explain import Explainer, explain_leaving, explain_min_runtime, explain_new_nodes, explain_reclaim
from commonpool.planner.fleet import Ground
from commonpool.planner.grow import find_growers, grow_all
from commonpool.planner.heads import Heads
from commonpool.planner.layout import least
from commonpool.planner.merge import close_ranks, has_moves, merge_plans
from commonpool.planner.order import Queue, Rank, build_rank, is_overdue
from commonpool.planner.patience import Patience
from commonpool.planner.place import Draft
from commonpool.planner.reclaim import Reclaim
from commonpool.planner.scale import Scaler, find_wanted
from commonpool.planner.size import EmptyPool


def plan_round(snapshot: Snapshot, engine: Engine) -> Plan:
    """Decide what is placed where, who gives back and what nodes are asked for; say for the rest why it waits.

    A workload of which some pods are placed now has a Place and no Hold; the rest of it
    is looked at again in the next round.

    What is set aside for one wait depends on the order of all, and the order on what was placed. So where
    anything was set aside, or a part of some work was placed and the rest waits, or work that starts has left room
    to others that it took at first, the result is planned over again until nothing moves: the next round would find
    the same.
    """
    ground = Ground(snapshot)
    total, last = _plan_pass(snapshot, ground, engine)
    while not last:
        after = assume_plan(snapshot, total)
        ground = Ground(after, ground)
        plan, last = _plan_pass(after, ground, engine)
        total = merge_plans(total, plan)
    return replace(total, hold=close_ranks(snapshot, total.hold))


def _plan_pass(snapshot: Snapshot, ground: Ground, engine: Engine) -> tuple[Plan, bool]:
    """One pass over all that waits, and whether another one would find nothing to do: only then the waits are explained."""
    ahead = ground.build_fleet([*ground.left, *ground.list_spare()])
    with engine.open(ground.build_fleet(ground.free)) as packing, engine.open(ahead) as later, EmptyPool(ground, engine) as sizes:
        return _Pass(snapshot, Draft(snapshot, ground, packing, later), sizes).run()


class _Pass:
    """The stages of one pass and what they share."""

    def __init__(self, snapshot: Snapshot, draft: Draft, sizes: EmptyPool) -> None:
        self._snapshot = snapshot
        self._draft = draft
        self._sizes = sizes
        self._reclaim = Reclaim(snapshot, self._draft, self._sizes)
        self._claims = Claims(self._draft, self._reclaim)
        self._heads = Heads(snapshot, self._draft, self._sizes)
        self._scaler = Scaler(snapshot, self._draft, self._sizes)
        chooser = Chooser(snapshot, self._draft.tree, self._draft.quota)
        patience = Patience(snapshot, self._draft, self._sizes)
        self._growers = find_growers(snapshot)
        self._halves = False
        self._candidates = {
            workload.name: patience.narrow(workload, chooser.choose(workload))
            for workload in (*filter(_is_waiting, snapshot.workloads), *self._growers)
        }

    def run(self) -> tuple[Plan, bool]:
        waits = [workload for workload in self._snapshot.workloads if _is_waiting(workload)]
        ready = [workload for workload in waits if workload.needs and not workload.leaving and self._candidates[workload.name].pools]
        places, order = self._place_all(ready)
        self._reclaim.spare()
        placed = {place.workload for place in places}
        left = [workload for workload in order if workload.name not in placed]
        unserved = self._with_pools(workload for workload in left if workload.name not in self._claims.served)
        if self._scaler.applies:
            self._scaler.ask(unserved)
        idle = self._growers or self._draft.starts or self._scaler.applies
        wanted = find_wanted(self._draft, self._sizes, self._with_pools(left)) if idle else set[PoolName]()
        growers = [(workload, pools[0]) for _, workload, pools in self._with_pools(self._growers) if len(pools) == 1]
        grown = grow_all(self._draft, growers, wanted, self._snapshot.now_at)
        replaced = {place.workload for place in grown} & self._draft.starts.keys()
        places = [place for place in places if place.workload not in replaced] + grown
        scale = self._scaler.decide(wanted)
        plan = Plan(
            self._snapshot.epoch,
            self._snapshot.number,
            place=tuple(places),
            shrink=self._reclaim.shrinks,
            evict=self._reclaim.evicts,
            scale=scale,
            surplus=self._scaler.surplus,
        )
        left_behind = self._draft.left_behind and len(self._draft.starts) + len(self._growers) > 1
        unsettled = self._draft.outlook.differs or bool(self._claims.failed) or scale or self._halves or left_behind
        last = not has_moves(plan) or not unsettled
        return (replace(plan, hold=self._hold_all(waits, left)) if last else plan), last

    def _place_all(self, ready: list[Workload]) -> tuple[list[Place], list[Workload]]:
        """Try each workload in its turn; the placements, and all in the order of their first turn.

        Room and quota only shrink within a pass, so one try is enough, but for what is kept
        for others: where a guarantee counts in another unit, its use may free more than it
        takes. Who was refused for that alone is tried again until nothing moves, so that
        planning over the result finds nothing to do.
        """
        places: list[Place] = []
        order: list[Workload] = []
        todo = ready
        while todo:
            queue = Queue(_with_tenant(todo), self._draft.tree, self._draft.shares, self._rank)
            again: list[Workload] = []
            before = len(places)
            while (workload := queue.take()) is not None and workload.tenant is not None:
                if todo is ready:
                    order.append(workload)
                if self._reclaim.takes_from(workload.name):
                    continue
                outcome = self._draft.place(workload, workload.tenant, self._pools(workload))
                places += outcome.places
                self._halves |= bool(outcome.places) and bool(outcome.workload.needs) and workload.elastic is None
                served = self._serve_wait(outcome.workload, workload.tenant)
                if outcome.kept_back and outcome.workload.needs and not served:
                    again.append(outcome.workload)
            todo = again if len(places) > before else []
        return places, order

    def _serve_wait(self, workload: Workload, tenant: TenantName) -> bool:
        """See to it that what found no room will find some, if that is due to it."""
        pools, served = self._pools(workload), False
        if not workload.begun and workload.needs:
            served = self._claims.serve(workload, tenant, pools, least(workload))
            if not served and is_overdue(workload, self._snapshot.now_at):
                self._heads.keep_room(workload, tenant, pools)
            return served
        for _ in workload.needs:
            if not self._claims.serve(workload, tenant, pools, 1):
                break
            served = True
        return served

    def _hold_all(self, waits: list[Workload], left: list[Workload]) -> tuple[Hold, ...]:
        """A reason for each wait; one that is evicted now is told that instead."""
        leaving = {evict.workload for evict in self._reclaim.evicts}
        holds = [
            Hold(name, each.obstacle.reason, each.obstacle.message)
            for name, each in ((workload.name, self._candidates[workload.name]) for workload in waits if not workload.leaving)
            if each.obstacle is not None
        ]
        holds += [explain_leaving(workload) for workload in waits if workload.leaving]
        holds += self._explain_all([workload for workload in left if workload.name not in leaving])
        return tuple(sorted((hold for hold in holds if hold.workload not in leaving), key=lambda hold: hold.workload))

    def _explain_all(self, waiting: list[Workload]) -> list[Hold]:
        """Say why each waits and, of those that time can help, which is next in its tenant's queue."""
        explainer = Explainer(self._draft, self._sizes)
        queues: defaultdict[TenantName, list[tuple[Workload, Hold]]] = defaultdict(list)
        for tenant, workload in _with_tenant(waiting):
            served = self._claims.served.get(workload.name) or self._scaler.served.get(workload.name)
            if served is None:
                hold = self._explain_unserved(explainer, workload, tenant)
            elif served[0] is Reason.WAITS_FOR_RECLAIM:
                hold = explain_reclaim(workload, served[1])
            else:
                hold = explain_new_nodes(workload, served[1])
            queues[tenant].append((workload, hold))
        holds: list[Hold] = []
        for queue in queues.values():
            queue.sort(key=lambda item: self._rank(item[0]))
            position = 0
            for _, hold in queue:
                position += hold.reason in QUEUED_REASONS
                holds.append(replace(hold, position=position if hold.reason in QUEUED_REASONS else 0))
        return holds

    def _explain_unserved(self, explainer: Explainer, workload: Workload, tenant: TenantName) -> Hold:
        wait = self._claims.find_wait(workload)
        if wait is not None:
            return explain_min_runtime(workload, *wait)
        return explainer.explain(workload, tenant, self._candidates[workload.name])

    def _rank(self, workload: Workload) -> Rank:
        guaranteed = self._draft.is_guaranteed(workload, self._pools(workload)[0])
        return build_rank(workload, self._snapshot.now_at, guaranteed=guaranteed)

    def _pools(self, workload: Workload) -> tuple[PoolName, ...]:
        """Where to try: of one that began in this very round, only where it began."""
        pools = self._candidates[workload.name].pools
        if not workload.begun:
            return pools
        held = {holding.pool for holding in workload.holdings}
        return tuple(pool for pool in pools if pool in held)

    def _with_pools(self, workloads: Iterable[Workload]) -> list[tuple[TenantName, Workload, Sequence[PoolName]]]:
        return [(tenant, workload, self._candidates[workload.name].pools) for tenant, workload in _with_tenant(workloads)]


def _is_waiting(workload: Workload) -> bool:
    """Whether there is something to place or a refusal to tell."""
    return (bool(workload.needs) and not may_grow(workload)) or (workload.blocked is not None and not workload.begun)


def _with_tenant(workloads: Iterable[Workload]) -> list[tuple[TenantName, Workload]]:
    return [(workload.tenant, workload) for workload in workloads if workload.tenant is not None]

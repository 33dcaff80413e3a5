"""A whole round: candidates, order, place, explain."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from commonpool.engine.protocol import Engine
from commonpool.model.ids import PoolName, TenantName, WorkloadName
from commonpool.model.plan import Hold, Place, Plan
from commonpool.model.snapshot import Snapshot, Workload
from commonpool.planner.candidates import Candidates, Chooser
from commonpool.planner.explain import QUEUED_REASONS, Explainer
from commonpool.planner.fleet import Ground
from commonpool.planner.order import Queue, build_rank
from commonpool.planner.place import Draft


def plan_round(snapshot: Snapshot, engine: Engine) -> Plan:
    """Decide what is placed where, and say for the rest why it waits.

    A workload of which some pods are placed now has a Place and no Hold; the rest of it
    is looked at again in the next round.
    """
    ground = Ground(snapshot)
    with engine.open(ground.fleet) as packing:
        draft = Draft(snapshot, ground, packing)
        chooser = Chooser(snapshot, draft.tree, draft.quota)
        candidates = {workload.name: chooser.choose(workload) for workload in snapshot.workloads if _is_waiting(workload)}
        ready = [workload for workload in snapshot.workloads if workload.needs and candidates[workload.name].pools]
        places = _place_all(draft, ready, candidates)
        placed = {place.workload for place in places}
        holds = [Hold(name, each.obstacle.reason, each.obstacle.message) for name, each in candidates.items() if each.obstacle is not None]
        holds += _explain_all(draft, [workload for workload in ready if workload.name not in placed], candidates)
    return Plan(snapshot.epoch, snapshot.number, tuple(places), tuple(sorted(holds, key=lambda hold: hold.workload)))


def _is_waiting(workload: Workload) -> bool:
    """Whether there is something to place or a refusal to tell."""
    return bool(workload.needs) or (workload.blocked is not None and not workload.begun)


def _with_tenant(workloads: Iterable[Workload]) -> Iterable[tuple[TenantName, Workload]]:
    return [(workload.tenant, workload) for workload in workloads if workload.tenant is not None]


def _place_all(draft: Draft, ready: list[Workload], candidates: Mapping[WorkloadName, Candidates]) -> list[Place]:
    """Try each workload in its turn.

    Room and quota only shrink within a round, so one try is enough, but for what is kept
    for others: where a guarantee counts in another unit, its use may free more than it
    takes. Who was refused for that alone is tried again until nothing moves, so that
    planning over the result finds nothing to do.
    """
    places: list[Place] = []
    todo = ready
    while todo:
        queue = Queue(
            _with_tenant(todo), draft.tree, draft.shares, lambda workload: draft.is_guaranteed(workload, _first(candidates, workload))
        )
        again: list[Workload] = []
        before = len(places)
        while (workload := queue.take()) is not None and workload.tenant is not None:
            outcome = draft.place(workload, workload.tenant, _pools(candidates, workload))
            places += outcome.places
            if outcome.kept_back and outcome.workload.needs:
                again.append(outcome.workload)
        todo = again if len(places) > before else []
    return places


def _pools(candidates: Mapping[WorkloadName, Candidates], workload: Workload) -> tuple[PoolName, ...]:
    """Where to try: of one that began in this very round, only where it began."""
    if not workload.begun:
        return candidates[workload.name].pools
    held = {holding.pool for holding in workload.holdings}
    return tuple(pool for pool in candidates[workload.name].pools if pool in held)


def _first(candidates: Mapping[WorkloadName, Candidates], workload: Workload) -> PoolName:
    return _pools(candidates, workload)[0]


def _explain_all(draft: Draft, waiting: list[Workload], candidates: Mapping[WorkloadName, Candidates]) -> list[Hold]:
    """Say why each waits and, of those that time can help, which is next in its tenant's queue."""
    explainer = Explainer(draft)
    queues: defaultdict[TenantName, list[tuple[Workload, Hold]]] = defaultdict(list)
    for tenant, workload in _with_tenant(waiting):
        queues[tenant].append((workload, explainer.explain(workload, tenant, candidates[workload.name].pools)))
    holds: list[Hold] = []
    for queue in queues.values():
        queue.sort(key=lambda item: build_rank(item[0], guaranteed=draft.is_guaranteed(item[0], _first(candidates, item[0]))))
        position = 0
        for _, hold in queue:
            position += hold.reason in QUEUED_REASONS
            holds.append(replace(hold, position=position if hold.reason in QUEUED_REASONS else 0))
    return holds

"""Laws 6 and 7 against arithmetic: nodes that are held as a whole, one claim, and exactly so much taken as is missing."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import Held, get_nodes, make_quota, make_workload
from tests.planner.situations import make_situation, plan

from commonpool.model.ids import TenantName, WorkloadName
from commonpool.model.plan import Plan
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Snapshot, Workload

EXAMPLES = settings(max_examples=300, deadline=None)
BORROWERS = ("amber", "birch", "cedar")


def make_claim_situation(seed: int) -> tuple[Snapshot, int]:
    """Up to twelve nodes, held as a whole by elastic work and gangs of three tenants, and one claim; how many nodes it needs."""
    dice = random.Random(seed)  # noqa: S311 nothing is hidden by it
    nodes, at = dice.randint(1, 12), 0
    claim = make_workload("claim", tenant="dahlia", replicas=dice.randint(1, 6))
    workloads: list[Workload] = [claim]
    while at < nodes and dice.random() < 0.9:
        size = min(dice.randint(1, 4), nodes - at)
        held = tuple(Held(f"h100-{node:04}") for node in range(at, at + size))
        least = dice.randint(1, size)
        workloads.append(
            make_workload(
                f"w{at:02}",
                tenant=dice.choice(BORROWERS),
                replicas=least if (elastic := dice.random() < 0.6) else size,
                most=size if elastic else None,
                held=held,
                min_runtime=dice.choice((0, 0, 0, 7200)),
                started=dice.randint(1, 7000),
                tier=dice.choice(("Standard", "Standard", "Spot", "Guaranteed")),
            )
        )
        at += size
    quotas = [make_quota("dahlia", guaranteed=48)]
    quotas += [make_quota(tenant, guaranteed=8 * dice.choice((0, 0, 1, 2, 4))) for tenant in BORROWERS]
    return make_situation(*workloads, nodes=nodes, quotas=quotas), len(claim.needs)


def find_covered(snapshot: Snapshot) -> set[WorkloadName]:
    """Work of tier Guaranteed that its tenant's guarantee covers: what has run longest first, and beyond its least size pod by pod."""
    left = {line.tenant: line.guaranteed // 8000 for line in snapshot.quotas}
    covered: set[WorkloadName] = set()
    for workload in sorted(snapshot.workloads, key=lambda each: (each.started_at, each.name)):
        if workload.tier == "Guaranteed" and workload.tenant is not None and workload.begun:
            pods, room = len(workload.holdings), left[workload.tenant]
            together = workload.elastic.least if workload.elastic is not None else pods
            inside = min(pods, room) if together <= room else 0
            left[workload.tenant] -= inside
            if inside == pods:
                covered.add(workload.name)
    return covered


def count_shrinkable(snapshot: Snapshot) -> int:
    """How many nodes elastic work could give at most: beyond its least size, and beyond its tenant's guarantee."""
    guaranteed = {line.tenant: line.guaranteed // 8000 for line in snapshot.quotas}
    covered = find_covered(snapshot)
    total = 0
    for tenant in BORROWERS:
        mine = [workload for workload in snapshot.workloads if workload.tenant == tenant]
        beyond = sum(len(workload.holdings) for workload in mine) - guaranteed[mine[0].tenant] if mine and mine[0].tenant else 0
        extra = sum(
            len(workload.holdings) - workload.elastic.least
            for workload in mine
            if workload.elastic is not None and workload.name not in covered and not workload.min_runtime_seconds
        )
        total += max(0, min(beyond, extra))
    return total


def count_taken(snapshot: Snapshot, decided: Plan) -> tuple[int, int]:
    """Nodes that shrinking gives, and that evicting gives."""
    held = {workload.name: len(workload.holdings) for workload in snapshot.workloads}
    return sum(held[shrink.workload] - shrink.keep for shrink in decided.shrink), sum(held[evict.workload] for evict in decided.evict)


@EXAMPLES
@given(st.integers(0, 1 << 40))
def test_the_gentlest_way_that_suffices_is_taken_and_no_more_of_it_than_needed(seed: int) -> None:
    snapshot, needed = make_claim_situation(seed)
    decided = plan(snapshot)
    held = sum(len(workload.holdings) for workload in snapshot.workloads)
    missing = needed - (len(snapshot.nodes) - held)
    shrunk, evicted = count_taken(snapshot, decided)
    if missing <= 0:
        assert len(get_nodes(decided, "claim")) == needed
        assert (shrunk, evicted) == (0, 0)
    elif missing <= count_shrinkable(snapshot):
        assert (shrunk, evicted) == (missing, 0)
    elif evicted:
        gone = {each.workload for each in decided.evict}
        smallest = min(len(workload.holdings) for workload in snapshot.workloads if workload.name in gone)
        assert missing <= shrunk + evicted < missing + smallest
    else:
        assert (shrunk, evicted) == (0, 0)
    waits = [hold.reason is Reason.WAITS_FOR_RECLAIM for hold in decided.hold if hold.workload.endswith("/claim")]
    assert waits == ([] if missing <= 0 else [bool(shrunk or evicted)])


@EXAMPLES
@given(st.integers(0, 1 << 40))
def test_nobody_within_a_promise_is_touched(seed: int) -> None:
    snapshot, _ = make_claim_situation(seed)
    decided = plan(snapshot)
    workloads = {workload.name: workload for workload in snapshot.workloads}
    covered = find_covered(snapshot)
    guaranteed = {line.tenant: line.guaranteed // 8000 for line in snapshot.quotas}
    held = {tenant: sum(len(each.holdings) for each in snapshot.workloads if each.tenant == tenant) for tenant in BORROWERS}
    for name in [shrink.workload for shrink in decided.shrink] + [evict.workload for evict in decided.evict]:
        victim = workloads[name]
        assert victim.tenant is not None
        assert victim.name not in covered
        assert not victim.min_runtime_seconds
        assert held[victim.tenant] > guaranteed[victim.tenant]
    for tenant in BORROWERS:
        shrunk = sum(
            len(workloads[each.workload].holdings) - each.keep for each in decided.shrink if workloads[each.workload].tenant == tenant
        )
        gangs = [len(workloads[each.workload].holdings) for each in decided.evict if workloads[each.workload].tenant == tenant]
        left = held[tenant] - shrunk - sum(gangs)
        if (shrunk or gangs) and left < guaranteed[TenantName(tenant)]:  # only a gang that is partly borrowed reaches below
            assert left + max(gangs) > guaranteed[TenantName(tenant)]


@EXAMPLES
@given(st.integers(0, 1 << 40))
def test_spot_work_is_evicted_before_standard_work_that_would_do_as_well(seed: int) -> None:
    """A Standard gang goes only if no Spot gang of its size stays that could have gone."""
    snapshot, _ = make_claim_situation(seed)
    decided = plan(snapshot)
    evicted = {evict.workload for evict in decided.evict}
    promised = {line.tenant for line in snapshot.quotas if line.guaranteed}
    spots = [
        each for each in snapshot.workloads if each.begun and each.tier == "Spot" and not each.elastic and not each.min_runtime_seconds
    ]
    stay = [len(each.holdings) for each in spots if each.name not in evicted and each.tenant not in promised]
    gone = [each for each in snapshot.workloads if each.name in evicted and each.tier == "Standard"]
    assert not any(len(victim.holdings) in stay for victim in gone)

"""A running gang that has lost a pod: its replacement does not put it outside its tenant's guarantee while somebody claims."""

from tests.builders import RACK, Held, get_hold, get_nodes, make_nodes, make_tenant, make_workload
from tests.planner.situations import guarantee, make_situation, plan

from commonpool.model.plan import Plan
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Workload

BROKEN = make_workload("gang", replicas=2, held=(Held("h100-0000"),))
"""Its tenant's other work has taken, within the guarantee, what the lost pod gave back."""
OTHER = make_workload("other", held=(Held("h100-0002"),), started=7200)
CLAIM = make_workload("claim", tenant="speech", replicas=2, required=RACK)
"""Room for it is in no rack unless somebody leaves."""


def decide(*workloads: Workload, tenants_guarantee: int = 16) -> Plan:
    quotas = [guarantee("vision", tenants_guarantee), guarantee("speech", 16)]
    return plan(make_situation(*workloads, nodes=make_nodes(4, racks=2), quotas=quotas))


def test_a_gang_inside_the_guarantee_is_not_replaced_by_borrowing_and_evicted_for_that() -> None:
    decided = decide(BROKEN, OTHER, CLAIM)
    assert (decided.place, decided.evict) == ((), ())
    hold = get_hold(decided, "gang")
    assert hold.reason is Reason.RESERVED_FOR_OTHERS
    assert hold.message == (
        "8 more accelerators of pool `h100` are not within the guarantee of 16, of which 16 are held, and others wait there "
        "for what they are guaranteed: to borrow now would make the whole workload one that may be evicted for them"
    )
    assert hold.nearest_change == "starts when 8 accelerators held there are given back, or when nobody claims any more"


def test_it_borrows_for_its_lost_pod_where_nobody_claims() -> None:
    assert len(get_nodes(decide(BROKEN, OTHER), "gang")) == 1


def test_it_gets_its_lost_pod_back_where_the_guarantee_has_room_whoever_claims() -> None:
    assert len(get_nodes(decide(BROKEN, OTHER, CLAIM, tenants_guarantee=24), "gang")) == 1


def test_a_claim_that_no_eviction_could_ever_serve_withholds_nothing() -> None:
    wide = make_workload("claim", tenant="speech", replicas=3, required=RACK)
    assert len(get_nodes(decide(BROKEN, OTHER, wide), "gang")) == 1


def test_a_claim_under_the_same_guarantee_withholds_nothing() -> None:
    """A guarantee does not take from those who are under it."""
    tenants = [make_tenant("lab"), make_tenant("vision", parent="lab"), make_tenant("speech", parent="lab")]
    quotas = [guarantee("vision", 16), guarantee("lab", 64)]
    world = make_situation(BROKEN, OTHER, CLAIM, nodes=make_nodes(4, racks=2), quotas=quotas, tenants=tenants)
    assert len(get_nodes(plan(world), "gang")) == 1

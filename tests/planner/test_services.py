"""A service gives back pod by pod: what it borrows, its youngest pods first, and never what its tenant's guarantee covers."""

from dataclasses import replace

from tests.builders import START_AT, Held, find_places, get_hold, get_nodes, make_node, make_nodes, make_workload
from tests.planner.situations import guarantee, make_situation, plan

from commonpool.model.plan import Plan
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Resize, Workload

PROMISED = [guarantee("speech", 16)]


def claim(replicas: int = 1, **told: object) -> Workload:
    return make_workload("claim", tenant="speech", replicas=replicas, **told)  # type: ignore[arg-type]


def service(name: str, *nodes: int, **told: object) -> Workload:
    """A pod of eight accelerators on each node, the oldest first."""
    held = tuple(Held(f"h100-{node:04}") for node in nodes)
    return make_workload(name, held=held, independent=True, **{"replicas": len(nodes), **told})  # type: ignore[arg-type]


def gang(name: str, *nodes: int, **told: object) -> Workload:
    return make_workload(name, replicas=len(nodes), held=tuple(Held(f"h100-{node:04}") for node in nodes), **told)  # type: ignore[arg-type]


def elastic(name: str, *nodes: int, **told: object) -> Workload:
    return make_workload(name, replicas=1, most=9, held=tuple(Held(f"h100-{node:04}") for node in nodes), **told)  # type: ignore[arg-type]


def shrinks(decided: Plan) -> dict[str, int]:
    return {shrink.workload.partition("/")[2]: shrink.keep for shrink in decided.shrink}


def evicted(decided: Plan) -> list[str]:
    return [evict.workload.partition("/")[2] for evict in decided.evict]


def test_a_service_gives_the_pod_that_it_borrows_and_those_inside_its_guarantee_go_on() -> None:
    decided = plan(make_situation(service("web", 0, 1, 2), claim(), nodes=3, quotas=[*PROMISED, guarantee("vision", 16)]))
    assert (shrinks(decided), evicted(decided)) == ({"web": 2}, [])
    [shrink] = decided.shrink
    assert shrink.why is Reason.RECLAIMED_FOR_GUARANTEE
    assert "speech" not in shrink.message
    assert get_hold(decided, "claim").reason is Reason.WAITS_FOR_RECLAIM


def test_a_service_inside_its_guarantee_gives_nothing() -> None:
    decided = plan(make_situation(service("web", 0, 1, 2), claim(), nodes=3, quotas=[*PROMISED, guarantee("vision", 24)]))
    assert (shrinks(decided), evicted(decided)) == ({}, [])
    assert get_hold(decided, "claim").reason is Reason.INSUFFICIENT_CAPACITY


def test_its_youngest_pods_go_first_and_older_ones_do_not_stand_in_for_them() -> None:
    """The claim could use the node of the oldest pod only, and that pod is inside."""
    nodes = [make_node("h100-0000", labels={"zone": "east"}), make_node("h100-0001"), make_node("h100-0002")]
    quotas = [*PROMISED, guarantee("vision", 16)]
    picky = claim(node_selector={"zone": "east"})
    decided = plan(make_situation(service("web", 0, 1, 2), picky, nodes=nodes, quotas=quotas))
    assert (shrinks(decided), evicted(decided)) == ({}, [])
    assert shrinks(plan(make_situation(service("web", 1, 2, 0), picky, nodes=nodes, quotas=quotas))) == {"web": 2}


def test_a_pod_that_is_ending_anyway_goes_before_all_others() -> None:
    web = service("web", 0, 1, 2)
    oldest, *others = web.holdings
    web = replace(web, holdings=(replace(oldest, ending=True), *others))
    nodes = [make_node("h100-0000", labels={"zone": "east"}), make_node("h100-0001"), make_node("h100-0002")]
    quotas = [*PROMISED, guarantee("vision", 16)]
    assert shrinks(plan(make_situation(web, claim(node_selector={"zone": "east"}), nodes=nodes, quotas=quotas))) == {"web": 2}


def test_all_pods_but_the_last_go_before_anybody_is_evicted() -> None:
    cheap = gang("gang", 2, 3, started=1)
    assert shrinks(plan(make_situation(service("web", 0, 1, started=90_000), cheap, claim(), quotas=PROMISED))) == {"web": 1}
    decided = plan(make_situation(service("web", 0, 1, started=90_000), cheap, claim(2), quotas=PROMISED))
    assert (shrinks(decided), evicted(decided)) == ({}, ["gang"])


def test_a_service_that_borrows_all_that_it_has_is_evicted_where_nothing_gentler_does() -> None:
    decided = plan(make_situation(service("web", 0, 1), claim(2), nodes=2, quotas=PROMISED))
    assert (shrinks(decided), evicted(decided)) == ({}, ["web"])


def test_a_pod_that_the_guarantee_covers_in_part_is_borrowed() -> None:
    decided = plan(make_situation(service("web", 0, 1), claim(), nodes=2, quotas=[*PROMISED, guarantee("vision", 12)]))
    assert shrinks(decided) == {"web": 1}


def test_of_one_tenants_work_what_is_borrowed_goes_before_what_is_inside_however_much_is_lost() -> None:
    """What has run longest is inside; the younger one has the more accelerators, so more work to lose."""
    quotas = [*PROMISED, guarantee("vision", 16)]
    for make in (service, elastic):
        inside, beyond = elastic("inside", 0, 1, started=9000, checkpointed=1), make("beyond", 2, 3, started=8000)
        assert shrinks(plan(make_situation(inside, beyond, claim(), quotas=quotas))) == {"beyond": 1}
    inside, beyond = elastic("inside", 0, 1, started=9000), service("beyond", 2, 3, started=8000, min_runtime=10_000)
    assert shrinks(plan(make_situation(inside, beyond, claim(), quotas=quotas))) == {"inside": 1}


def test_nothing_is_placed_for_a_service_while_it_gives_pods_back() -> None:
    """There is a node to spare that the claim cannot use: a place there would be the next to be taken."""
    nodes = [*make_nodes(3), make_node("h100-0003", gpus=4)]
    lacks = service("web", 0, 1, 2, gpus=4, replicas=4)
    safe = [gang(f"safe{node}", node, tenant="nlp", gpus=4, started=9000) for node in (0, 1, 2)]
    quotas = [*PROMISED, guarantee("nlp", 12)]
    assert get_nodes(plan(make_situation(lacks, *safe, nodes=nodes, quotas=quotas)), "web") == ["h100-0003"]
    picky = claim(gpus=4, node_selector={"zone": "east"})
    nodes[2] = make_node("h100-0002", labels={"zone": "east"})
    decided = plan(make_situation(lacks, *safe, picky, nodes=nodes, quotas=quotas))
    assert shrinks(decided) == {"web": 2}
    assert not find_places(decided, "web")
    assert [hold.workload for hold in decided.hold] == ["speech-dev/claim"]
    told = service("web", 0, 1, 2, gpus=4, resize=Resize(2, START_AT))
    assert not find_places(plan(make_situation(told, *safe, picky, nodes=nodes, quotas=quotas)), "web")


def test_what_is_evicted_is_not_given_places_in_the_same_round() -> None:
    """Else they are counted for nobody, and promised twice. The claim needs a whole node, and there is room for a smaller pod elsewhere."""
    web = service("web", 0, 0, gpus=4, replicas=3)
    nodes = [make_node("h100-0000", labels={"zone": "east"}), make_node("h100-0001", gpus=4)]
    decided = plan(make_situation(web, claim(node_selector={"zone": "east"}), nodes=nodes, quotas=PROMISED))
    assert (evicted(decided), find_places(decided, "web")) == (["web"], [])


def test_a_shrink_that_is_under_way_is_not_asked_for_again() -> None:
    told = service("web", 0, 1, 2, resize=Resize(2, START_AT))
    decided = plan(make_situation(told, claim(), nodes=3, quotas=PROMISED))
    assert (shrinks(decided), evicted(decided)) == ({}, [])
    assert get_hold(decided, "claim").reason is Reason.WAITS_FOR_RECLAIM


def test_a_service_borrows_for_a_pod_that_it_lacks_although_somebody_claims_in_vain() -> None:
    """No more than that pod is at stake: of a gang the whole would be. Two nodes are claimed, one is free."""
    web = service("web", 0, 1, replicas=3)
    quotas = [*PROMISED, guarantee("vision", 16)]
    decided = plan(make_situation(web, claim(2), nodes=3, quotas=quotas))
    assert get_nodes(decided, "web") == ["h100-0002"]
    assert get_hold(decided, "claim").reason is Reason.INSUFFICIENT_CAPACITY

from tests.builders import Held, get_hold, make_nodes, make_quota, make_tenant, make_workload
from tests.planner.plans import plan

from commonpool.model.plan import Plan


def order(made: Plan) -> list[str]:
    return [place.workload.partition("/")[2] for place in made.place]


def test_a_guarantee_comes_before_priority() -> None:
    made = plan(
        make_workload("urgent", tenant="nlp", priority=1000, age=9),
        make_workload("promised"),
        nodes=make_nodes(1),
        quotas=[make_quota("vision", guaranteed=8)],
    )
    assert order(made) == ["promised"]


def test_priority_comes_before_share() -> None:
    made = plan(
        make_workload("running", held=(Held("h100-0000"),)),
        make_workload("urgent", priority=1000),
        make_workload("modest", tenant="nlp", age=9),
        nodes=make_nodes(2),
    )
    assert order(made) == ["urgent"]


def test_who_holds_less_comes_first_and_turns_are_taken() -> None:
    made = plan(
        *(make_workload(f"v{number}", age=100 - number) for number in range(3)),
        *(make_workload(f"n{number}", tenant="nlp", age=50 - number) for number in range(3)),
        nodes=make_nodes(6),
    )
    assert order(made) == ["v0", "n0", "v1", "n1", "v2", "n2"]


def test_twice_the_weight_is_twice_the_turns() -> None:
    made = plan(
        *(make_workload(f"v{number}", age=100 - number) for number in range(6)),
        *(make_workload(f"n{number}", tenant="nlp", age=50 - number) for number in range(6)),
        nodes=make_nodes(6),
        tenants=[make_tenant("vision", weight=2), make_tenant("nlp")],
    )
    assert sum(name.startswith("v") for name in order(made)) == 4


def test_a_team_with_many_children_gets_no_more_than_one_with_few() -> None:
    """Shares are compared at the level where two workloads part: four tenants under one parent share what it gets."""
    crowd = [make_tenant(f"crowd{number}", parent="crowd") for number in range(4)]
    tenants = [make_tenant("crowd"), *crowd, make_tenant("solo")]
    made = plan(
        *(make_workload(f"c{number}", tenant=f"crowd{number}", age=9) for number in range(4)),
        *(make_workload(f"s{number}", tenant="solo") for number in range(4)),
        nodes=make_nodes(4),
        tenants=tenants,
    )
    assert sorted(name[0] for name in order(made)) == ["c", "c", "s", "s"]


def test_a_parents_own_work_takes_turns_with_its_children() -> None:
    tenants = [make_tenant("vision"), make_tenant("nlp", parent="vision")]
    made = plan(
        *(make_workload(f"p{number}", age=9) for number in range(3)),
        *(make_workload(f"c{number}", tenant="nlp") for number in range(3)),
        nodes=make_nodes(4),
        tenants=tenants,
    )
    assert order(made) == ["p0", "c0", "p1", "c1"]


def test_the_older_comes_first_and_the_name_decides_between_twins() -> None:
    made = plan(make_workload("b", age=1), make_workload("a", age=1), make_workload("z", age=2), nodes=make_nodes(3))
    assert order(made) == ["z", "a", "b"]


def test_what_cannot_start_does_not_stop_what_can() -> None:
    running = make_workload("running", tenant="nlp", held=(Held("h100-0000"), Held("h100-0001")), replicas=2)
    made = plan(running, make_workload("large", replicas=3, age=9), make_workload("small"), nodes=make_nodes(4))
    assert order(made) == ["small"]
    assert get_hold(made, "large").position == 1


def test_positions_tell_the_queue_of_each_tenant() -> None:
    running = make_workload("running", tenant="nlp", held=(Held("h100-0000"),))
    made = plan(
        running,
        make_workload("second"),
        make_workload("first", priority=5),
        make_workload("hopeless", replicas=9, priority=9),
        make_workload("theirs", tenant="nlp"),
        nodes=make_nodes(1),
    )
    assert {hold.workload.partition("/")[2]: hold.position for hold in made.hold} == {"first": 1, "second": 2, "hopeless": 0, "theirs": 1}


def test_a_guarantee_used_up_by_one_is_no_guarantee_for_the_next() -> None:
    made = plan(
        make_workload("first", age=9),
        make_workload("second", age=8),
        make_workload("urgent", tenant="nlp", priority=1),
        nodes=make_nodes(2),
        quotas=[make_quota("vision", guaranteed=8)],
    )
    assert order(made) == ["first", "urgent"]

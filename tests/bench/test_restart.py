"""What the benchmark of restarts reads, and what it calls a wrong decision."""

import json
from datetime import datetime

from tests.builders import GPU

from commonpool.bench.restart import Restart, build_report, find_next, find_problems, find_round_at, read_marks, render_restart
from commonpool.local.client import Manifest
from commonpool.model.amounts import Amounts
from commonpool.model.ids import ChildKey, NodeName, PoolName, Seat, TenantName, WorkloadName
from commonpool.model.plan import Entry, Evict, Place, Plan
from commonpool.model.reasons import Reason


def make_place(name: str, node: str) -> Place:
    return Place(
        workload=WorkloadName(f"bench/{name}"),
        child=ChildKey("Job", "bench", name),
        tenant=TenantName("bench"),
        pool=PoolName("bench"),
        resource_name=GPU,
        shape=Amounts(1000, 1000, 1 << 30, 1),
        entries=(Entry(Seat(rank=0), NodeName(node)),),
        why=Reason.WITHIN_GUARANTEE,
    )


def make_job(name: str, created_at: str, *, suspend: bool) -> Manifest:
    return {"metadata": {"namespace": "bench", "name": name, "creationTimestamp": created_at}, "spec": {"suspend": suspend}}


def make_event(resource: str, code: int, second: int) -> str:
    event = {
        "verb": "create",
        "objectRef": {"resource": resource},
        "responseStatus": {"code": code},
        "stageTimestamp": f"2026-11-22T15:00:{second:02d}.500000Z",
    }
    return json.dumps(event, separators=(",", ":"))


def make_restart(seconds: float, *problems: str) -> Restart:
    return Restart(1.0, 1.5, 1.6, seconds, 1900, 0.3, problems)


def test_whose_turn_it_is_is_the_oldest_that_waits_and_then_the_first_by_name() -> None:
    jobs = [
        make_job("runs", "2026-11-22T15:00:00Z", suspend=False),
        make_job("b", "2026-11-22T15:00:01Z", suspend=True),
        make_job("a", "2026-11-22T15:00:01Z", suspend=True),
        make_job("0", "2026-11-22T15:00:02Z", suspend=True),
    ]
    assert find_next(jobs) == "bench/a"


def test_only_that_one_placement_is_right() -> None:
    right, wrong = make_place("a", "n1"), make_place("b", "n2")
    evict = Evict(WorkloadName("bench/c"), ChildKey("Job", "bench", "c"), Reason.RECLAIMED_FOR_GUARANTEE, "", 1)
    assert not list(find_problems(Plan(1, 1, place=(right,)), "bench/a", "n1"))
    for plan in (Plan(1, 1), Plan(1, 1, place=(wrong,)), Plan(1, 1, place=(right, wrong)), Plan(1, 1, place=(right,), evict=(evict,))):
        assert list(find_problems(plan, "bench/a", "n1"))


def test_the_decision_stands_when_the_first_round_has_been_stored() -> None:
    lines = [make_event("pods", 201, 1), make_event("rounds", 409, 2), make_event("rounds", 201, 3), make_event("rounds", 201, 4)]
    assert find_round_at(lines) == datetime.fromisoformat("2026-11-22T15:00:03.500000Z").timestamp()
    assert not find_round_at(lines[:2])


def test_the_parts_of_the_start_are_read_from_the_log() -> None:
    lines = [
        "2026-11-22 15:00:01,250 INFO    commonpool.live.operator: packing with the native engine: it is there",
        "2026-11-22 15:00:02,000 INFO    commonpool.live.operator: the cluster is read: 125 nodes, 1000 pods",
        "2026-11-22 15:00:02,100 INFO    commonpool.live.leader: leading in epoch 7",
    ]
    marks = read_marks(lines)
    assert [round(marks[name] - marks["loaded"], 3) for name in ("loaded", "read", "leads")] == [0.0, 0.75, 0.85]


def test_the_goal_is_met_by_right_decisions_only() -> None:
    assert build_report({}, 2000, [make_restart(2), make_restart(9), make_restart(3)])["goals"][0]["met"]
    assert not build_report({}, 2000, [make_restart(2), make_restart(6), make_restart(7)])["goals"][0]["met"]
    assert not build_report({}, 2000, [make_restart(2, "wrong")])["goals"][0]["met"]


def test_every_restart_is_a_row_of_the_table() -> None:
    rows = list(render_restart(build_report({}, 2000, [make_restart(2), make_restart(3, "wrong")])))
    assert [(row[3], row[-1]) for row in rows] == [("2", ""), ("3", "wrong")]

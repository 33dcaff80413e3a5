from typing import Any

from commonpool.bench.audit import Writing, sum_up

TENANT, OPERATOR, ADMIN = "alice", "system:serviceaccount:commonpool-system:commonpool-operator", "admin"


def make_event(
    at: float, resource: str, name: str, *, user: str = ADMIN, verb: str = "create", took: float = 0.01, code: int = 201, agent: str = ""
) -> dict[str, Any]:
    """A write that was received `at` seconds into the minute; `resource` may have a subresource."""
    plain, _, subresource = resource.partition("/")
    return {
        "verb": verb,
        "user": {"username": user},
        "userAgent": agent,
        "objectRef": {"resource": plain, "namespace": "bench", "name": name, **({"subresource": subresource} if subresource else {})},
        "responseStatus": {"code": code},
        "requestReceivedTimestamp": f"2026-11-22T10:00:{at:09.6f}Z",
        "stageTimestamp": f"2026-11-22T10:00:{at + took:09.6f}Z",
    }


GANG = [
    make_event(1, "jobs", "gang-0000", user=TENANT, agent="bench-driver"),
    make_event(2, "jobs", "gang-0000", user=OPERATOR, verb="patch", code=200),
    make_event(3, "pods", "gang-0000-0", agent="bench-driver"),
    make_event(3.5, "pods", "gang-0000-1-x2x9q", agent="bench-driver"),
    make_event(4, "pods/binding", "gang-0000-0"),
    make_event(5, "pods/binding", "gang-0000-1-x2x9q"),
]


def test_a_pod_waits_from_its_creation_to_its_binding_and_a_gang_from_its_job_to_its_last_pod() -> None:
    account = sum_up(GANG, "bench")
    assert [round(seconds, 3) for seconds in account.pod_seconds] == [1.0, 1.5]
    assert [round(seconds, 3) for seconds in account.gang_seconds] == [4.01]
    assert round(account.ended_at - account.began_at, 3) == 4.01


def test_a_gang_without_a_job_begins_with_its_first_pod() -> None:
    account = sum_up([event for event in GANG if event["objectRef"]["resource"] == "pods"], "bench")
    assert [round(seconds, 3) for seconds in account.gang_seconds] == [2.01]


def test_writes_are_counted_by_who_and_what_and_leases_apart() -> None:
    account = sum_up([*GANG, make_event(6, "leases", "it", user=OPERATOR, verb="patch", code=200)], "bench")
    assert account.leases == 1
    assert account.writes == {
        Writing("tenant", "create", "jobs"): 1,
        Writing("commonpool-operator", "patch", "jobs"): 1,
        Writing("driver", "create", "pods"): 2,
        Writing("admin", "create", "pods/binding"): 2,
    }


def test_a_refused_write_is_counted_and_makes_nothing() -> None:
    account = sum_up([*GANG, make_event(0, "pods", "gang-0001-0", code=403)], "bench")
    assert account.refused == 1
    assert len(account.gang_seconds) == 1
    assert round(account.ended_at - account.began_at, 3) == 4.01


def test_what_happens_in_other_namespaces_has_no_times() -> None:
    assert sum_up(GANG, "elsewhere").pod_seconds == []

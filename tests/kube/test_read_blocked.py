import pytest
from tests.kube.objects import (
    BORN,
    NAMESPACE,
    FilledMirror,
    hpc_body,
    job_body,
    make_containers,
    make_metadata,
    own_body,
    pod_body,
    pool_body,
    tracked_body,
    training_body,
)
from tests.kube.readings import EIGHT_GPUS, NOW_AT, line, reason, told, workload, world

from commonpool.kube.read.world import Past
from commonpool.kube.resources import NAMESPACES
from commonpool.model.ids import ChildKey, Seat
from commonpool.model.names import TENANT_LABEL
from commonpool.model.reasons import Reason


def test_a_namespace_of_no_tenant_may_run_nothing() -> None:
    mirror = FilledMirror()
    mirror.own(training_body())
    mirror.see(NAMESPACES, {"metadata": make_metadata(NAMESPACE)})
    assert told(mirror) is Reason.NOT_A_TENANT


def test_a_label_that_names_no_tenant_is_no_membership() -> None:
    mirror = FilledMirror()
    mirror.own(training_body())
    mirror.see(NAMESPACES, {"metadata": make_metadata(NAMESPACE, labels={TENANT_LABEL: "nobody"})})
    assert told(mirror) is Reason.NOT_A_TENANT


@pytest.mark.parametrize(
    ("allowed", "blocked"),
    [
        (None, Reason.PRIORITY_NOT_ALLOWED),
        (["vision-low", "urgent"], None),
        (["vision-low"], Reason.PRIORITY_NOT_ALLOWED),
        ([], Reason.PRIORITY_NOT_ALLOWED),
    ],
)
def test_a_priority_must_be_one_of_the_tenants(allowed: list[str] | None, blocked: Reason | None) -> None:
    mirror = FilledMirror()
    mirror.priority_is("urgent", 1000)
    mirror.own(
        own_body("Tenant", "vision", {} if allowed is None else {"priorityClasses": allowed}), training_body(priorityClassName="urgent")
    )
    found = workload(mirror)
    assert (found.priority, found.priority_class, told(mirror)) == (1000, "urgent", blocked)


def test_the_default_priority_is_everybodys() -> None:
    mirror = FilledMirror()
    mirror.priority_is("normal", 10, default=True)
    mirror.own(own_body("Tenant", "vision", {"priorityClasses": []}), training_body())
    assert (workload(mirror).priority, told(mirror)) == (10, None)


def test_a_pod_has_its_own_priority_whatever_made_it() -> None:
    mirror = FilledMirror()
    mirror.priority_is("urgent", 1000)
    mirror.own(own_body("Tenant", "vision", {"priorityClasses": []}), tracked_body("finetune"))
    mirror.jobs_are(job_body("finetune", pods=1))
    mirror.pods_are(pod_body("finetune-0", job="finetune", rank=0, priority=1000, priorityClassName="urgent"))
    found = workload(mirror, "finetune")
    assert (found.priority, found.priority_class, told(mirror, "finetune")) == (1000, "urgent", Reason.PRIORITY_NOT_ALLOWED)


def test_a_pod_that_says_the_default_priority_says_nothing() -> None:
    mirror = FilledMirror()
    mirror.priority_is("normal", 10, default=True)
    mirror.own(own_body("Tenant", "vision", {"priorityClasses": []}), tracked_body("notebook", "Pod"))
    mirror.pods_are(pod_body("notebook", priority=10, priorityClassName="normal"))
    found = workload(mirror, "notebook")
    assert (found.priority, found.priority_class, told(mirror, "notebook")) == (10, "", None)


def test_a_priority_that_does_not_exist_is_a_mistake() -> None:
    mirror = FilledMirror()
    mirror.own(training_body(priorityClassName="urgent"))
    assert reason(workload(mirror)) is Reason.INVALID_SPEC


def test_a_job_waits_for_its_start_time() -> None:
    mirror = FilledMirror()
    mirror.own(hpc_body(startTime="2026-11-22T13:00:00Z"))
    assert reason(workload(mirror, "solver")) is Reason.WAITS_FOR_START_TIME
    assert reason(workload(mirror, "solver", NOW_AT + 3600)) is None


def test_a_job_waits_for_the_success_of_others() -> None:
    mirror = FilledMirror()
    mirror.own(hpc_body(after=["first"]))
    assert reason(workload(mirror, "solver")) is Reason.INVALID_SPEC
    mirror.own(hpc_body("first"))
    assert reason(workload(mirror, "solver")) is Reason.WAITS_FOR_OTHER
    mirror.dirty.clear()
    condition = {"type": "Succeeded", "status": "True", "reason": "Completed", "message": "", "lastTransitionTime": BORN}
    mirror.own({**hpc_body("first"), "status": {"conditions": [condition]}})
    assert mirror.dirty.is_set()
    assert reason(workload(mirror, "solver")) is None


def test_jobs_that_wait_for_each_other_in_a_circle_are_told_so_and_what_waits_behind_them_is_not() -> None:
    mirror = FilledMirror()
    for name, after in {"a": ["b", "z"], "b": ["c"], "c": ["a"], "behind": ["a"], "z": [], "itself": ["itself"]}.items():
        mirror.own(hpc_body(name, after=after))
    found = {name: workload(mirror, name).blocked for name in ("a", "b", "c", "behind", "z", "itself")}
    assert {name: block.reason if block else None for name, block in found.items()} == {
        "a": Reason.INVALID_SPEC,
        "b": Reason.INVALID_SPEC,
        "c": Reason.INVALID_SPEC,
        "behind": Reason.WAITS_FOR_OTHER,
        "z": None,
        "itself": Reason.INVALID_SPEC,
    }
    assert found["a"] is not None
    assert found["a"].message == "`after` goes round in a circle from here through `b`: take one workload out of `after`"


def test_somebody_elses_object_under_its_name_is_not_touched() -> None:
    mirror = FilledMirror()
    mirror.own(training_body())
    mirror.jobs_are(job_body("pretrain"))
    assert reason(workload(mirror)) is Reason.CHILD_REFUSED


def test_a_child_whose_owner_reference_its_tenant_took_away_is_the_tenants_own_and_all_its_pods_with_it() -> None:
    """They count once, as those of the tracked object; who made it says why it has none."""
    mirror = FilledMirror()
    mirror.own(training_body(), {**tracked_body("pretrain-job"), "spec": tracked_body("pretrain")["spec"]})
    mirror.jobs_are(job_body("pretrain"))
    mirror.pods_are(*(pod_body(f"pretrain-{rank}", job="pretrain", rank=rank, node=f"gpu-{rank}") for rank in range(2)))
    was, now = workload(mirror), workload(mirror, "pretrain-job")
    assert (len(was.holdings), len(now.holdings)) == (0, 2)
    assert was.blocked is not None
    assert was.blocked.message == (
        "a Job `pretrain` that is not its own exists already: delete it, or give the workload another name; one whose owner reference was "
        "taken away runs on as yours and counts beside this"
    )
    assert now.blocked is None


def test_a_workload_made_anew_waits_for_what_the_garbage_collector_has_not_removed_yet() -> None:
    mirror = FilledMirror()
    mirror.own(training_body())
    mirror.jobs_are(job_body("pretrain", owner_uid="uid-of-the-former"))
    found = workload(mirror)
    assert found.blocked is not None
    assert (found.blocked.reason, found.blocked.message) == (
        Reason.WAITS_FOR_OTHER,
        "waits until the former Job `pretrain` is gone, which is being removed",
    )


def test_what_nobody_honours_is_refused_with_the_fields_name() -> None:
    mirror = FilledMirror()
    body = training_body()
    body["spec"]["training"]["template"]["spec"]["resourceClaims"] = [{"name": "gpu"}]
    mirror.own(body)
    found = workload(mirror)
    assert found.blocked is not None
    assert (found.blocked.reason, "`resourceClaims`" in found.blocked.message) == (Reason.NOT_SUPPORTED, True)


def test_a_pod_that_asks_for_two_kinds_of_accelerator_is_refused() -> None:
    mirror = FilledMirror()
    mirror.own(pool_body("mi300x", model="MI300X-OAM-192GB", nodes={"matchLabels": {"gpu": "mi300x"}}), tracked_body("notebook", "Pod"))
    body = pod_body("notebook")
    body["spec"]["containers"] += make_containers(1, resource="amd.com/gpu")
    mirror.pods_are(body)
    assert reason(workload(mirror, "notebook")) is Reason.NOT_SUPPORTED


def test_a_resource_that_no_promise_covers_is_refused_unless_the_scheduler_does_not_count_it() -> None:
    mirror = FilledMirror()
    mirror.own(tracked_body("notebook", "Pod"))
    body = pod_body("notebook")
    body["spec"]["containers"][0]["resources"]["requests"]["rdma/hca"] = "1"
    mirror.pods_are(body)
    found = workload(mirror, "notebook")
    assert found.blocked is not None
    assert (found.blocked.reason, "`rdma/hca`" in found.blocked.message) == (Reason.NOT_SUPPORTED, True)
    [let] = world(mirror, uncounted=frozenset({"rdma/hca"})).snapshot.workloads
    assert let.blocked is None


def test_what_cannot_be_read_is_told_and_stops_nobody() -> None:
    mirror = FilledMirror()
    mirror.own(training_body("broken", accelerators={"perReplica": "many"}), training_body())
    assert reason(workload(mirror, "broken")) is Reason.INVALID_SPEC
    assert reason(workload(mirror)) is None


def test_a_child_that_the_api_refuses_keeps_no_place() -> None:
    mirror = FilledMirror()
    mirror.own(training_body())
    mirror.promised(line("Job", "pretrain", (Seat(0), "gpu-0"), (Seat(1), "gpu-1"), shape=EIGHT_GPUS))
    seen = world(mirror, past=Past({ChildKey("Job", NAMESPACE, "pretrain"): "exceeded quota"}))
    [found] = seen.snapshot.workloads
    assert (reason(found), found.holdings, seen.standing.promises) == (Reason.CHILD_REFUSED, (), ())

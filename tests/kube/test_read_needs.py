import pytest
from tests.kube.objects import (
    BORN,
    GPU,
    NAMESPACE,
    FilledMirror,
    deployment_body,
    inference_body,
    job_body,
    pod_body,
    service_pod_body,
    tracked_body,
    training_body,
    workload_body,
)
from tests.kube.readings import EIGHT_GPUS, GIB, NOW_AT, line, node, read, reason, workload, world

from commonpool.model.amounts import Amounts
from commonpool.model.ids import ANY_SEAT, ChildKey, PoolName, Seat
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Segment, Spread, Wish


def test_a_training_that_has_nothing_needs_all_its_ranks_together() -> None:
    mirror = FilledMirror()
    mirror.own(training_body(replicas=3))
    found = workload(mirror)
    assert found.needs == (Seat(0), Seat(1), Seat(2))
    assert (found.needs_min, found.child, found.shape) == (3, ChildKey("Job", NAMESPACE, "pretrain"), EIGHT_GPUS)
    assert (found.created_at, found.blocked) == (NOW_AT, None)


def test_a_job_of_more_pods_than_one_can_write_down_is_told_so() -> None:
    mirror = FilledMirror()
    mirror.own(tracked_body("finetune"))
    mirror.jobs_are(job_body("finetune", pods=2**31 - 1, indexed=False, suspended=True, held=True))
    found = workload(mirror, "finetune")
    assert (found.needs, reason(found)) == ((), Reason.GANG_LARGER_THAN_POOL)


def test_a_gang_of_more_pods_than_all_pools_could_hold_is_told_so_and_not_counted_out() -> None:
    mirror = FilledMirror()
    mirror.own(training_body(replicas=100_000))
    found = workload(mirror)
    assert (found.needs, reason(found)) == ((), Reason.GANG_LARGER_THAN_POOL)
    assert found.blocked is not None
    assert "`100000` pods are more than one gang can have here: at most `1000` start together" in found.blocked.message


def test_what_could_have_more_pods_than_there_are_places_needs_no_more_than_there_could_be() -> None:
    mirror = FilledMirror()
    mirror.own(workload_body("pretrain", "training", {"replicas": {"min": 1, "max": 99_000}}))
    found = workload(mirror)
    assert (len(found.needs), found.needs_min, found.blocked) == (1000, 1, None)


def test_an_inference_needs_replicas_one_by_one() -> None:
    mirror = FilledMirror()
    mirror.own(inference_body(replicas=3, gpus=1))
    found = workload(mirror, "chat")
    assert (found.needs, found.needs_min, found.child.kind) == ((ANY_SEAT,) * 3, 1, "Deployment")


def test_what_is_promised_is_held_and_needed_no_more() -> None:
    mirror = FilledMirror()
    mirror.own(training_body())
    mirror.promised(line("Job", "pretrain", (Seat(0), "gpu-0"), (Seat(1), "gpu-1"), shape=EIGHT_GPUS))
    found = workload(mirror)
    assert found.needs == ()
    assert [(holding.node, holding.bound, holding.amounts) for holding in found.holdings] == [
        ("gpu-0", False, EIGHT_GPUS),
        ("gpu-1", False, EIGHT_GPUS),
    ]


def test_a_service_that_got_some_replicas_needs_the_rest_and_once_it_is_made_by_the_names_of_its_pods() -> None:
    mirror = FilledMirror()
    mirror.own(inference_body(replicas=3, gpus=1))
    mirror.promised(line("Deployment", "chat", (ANY_SEAT, "gpu-0")))
    assert workload(mirror, "chat").needs == (ANY_SEAT,) * 2
    mirror.deployments_are(deployment_body("chat", replicas=3, owner_uid="uid-GPUWorkload-chat"))
    assert workload(mirror, "chat").needs == ()
    mirror.pods_are(*(service_pod_body(f"chat-{letter}", "chat") for letter in "xyz"))
    assert workload(mirror, "chat").needs == (Seat(pod="chat-y"), Seat(pod="chat-z"))
    mirror.pods_are(service_pod_body("chat-z", "chat", node="gpu-0"))
    assert workload(mirror, "chat").needs == (Seat(pod="chat-x"), Seat(pod="chat-y"))


def test_a_replica_that_lost_its_pod_is_needed_by_the_name_of_its_successor() -> None:
    mirror = FilledMirror()
    mirror.own(inference_body(replicas=2, gpus=1))
    mirror.deployments_are(deployment_body("chat", owner_uid="uid-GPUWorkload-chat"))
    mirror.pods_are(service_pod_body("chat-x", "chat", node="gpu-0"), service_pod_body("chat-y", "chat"))
    found = workload(mirror, "chat")
    assert (found.needs, found.needs_min, found.wishes) == ((Seat(pod="chat-y"),), 1, (Wish(PoolName("h100"), GPU),))


def test_a_gang_that_lost_one_pod_needs_that_one() -> None:
    mirror = FilledMirror()
    mirror.own(training_body(gpus=1))
    mirror.jobs_are(job_body("pretrain", owner_uid="uid-GPUWorkload-pretrain"))
    mirror.pods_are(pod_body("pretrain-0", job="pretrain", rank=0, node="gpu-0"), pod_body("pretrain-1", job="pretrain", rank=1))
    found = workload(mirror)
    assert (found.needs, found.needs_min) == ((Seat(pod="pretrain-1"),), 1)


def test_a_promise_that_the_scheduler_would_not_let_the_pod_use_does_not_count_for_it() -> None:
    mirror = FilledMirror()
    mirror.own(training_body(gpus=1))
    mirror.jobs_are(job_body("pretrain", owner_uid="uid-GPUWorkload-pretrain"))
    greedy = pod_body("pretrain-1", job="pretrain", rank=1)
    greedy["spec"]["overhead"] = {"cpu": "1"}
    mirror.pods_are(pod_body("pretrain-0", job="pretrain", rank=0), greedy)
    mirror.promised(line("Job", "pretrain", (Seat(0), "gpu-0"), (Seat(1), "gpu-1")))
    found = workload(mirror)
    assert found.needs == (Seat(pod="pretrain-1"),)
    assert found.shape == Amounts(1000, 5000, 8 * GIB, 1)


def test_a_workload_whose_former_pods_still_end_waits_for_them() -> None:
    mirror = FilledMirror()
    mirror.own(training_body(gpus=1))
    mirror.pods_are(pod_body("pretrain-0", job="pretrain", rank=0, node="gpu-0"))
    assert reason(workload(mirror)) is Reason.WAITS_FOR_OTHER


@pytest.mark.parametrize("ended", ["True", "False"])
def test_what_has_ended_needs_nothing_even_if_its_job_is_gone(ended: str) -> None:
    mirror = FilledMirror()
    condition = {"type": "Succeeded", "status": ended, "reason": "X", "message": "", "lastTransitionTime": BORN}
    mirror.own({**training_body(), "status": {"conditions": [condition]}})
    found = workload(mirror)
    assert (found.needs, found.blocked) == ((), None)


def test_a_promise_to_what_has_ended_is_void() -> None:
    mirror = FilledMirror()
    mirror.own(training_body(gpus=1))
    mirror.jobs_are(job_body("pretrain", owner_uid="uid-GPUWorkload-pretrain", done="Failed"))
    mirror.promised(line("Job", "pretrain", (Seat(0), "gpu-0")))
    assert world(mirror).standing.promises == ()
    assert workload(mirror).holdings == ()


def test_wishes_are_read_in_their_order() -> None:
    mirror = FilledMirror()
    wanted = {"perReplica": 1, "anyOf": [{"pool": "h100"}, {"memory": "80Gi", "precision": "fp8"}]}
    mirror.own(workload_body("pretrain", "training", {"replicas": {"min": 1, "max": 1}}, accelerators=wanted))
    assert workload(mirror).wishes == (Wish(PoolName("h100")), Wish(memory_bytes=80 * GIB, precision="fp8"))


def test_placement_and_node_selector_are_wishes_too() -> None:
    mirror = FilledMirror()
    body = training_body(placement={"required": "topology.commonpool.dev/block", "preferred": "topology.commonpool.dev/rack"})
    body["spec"]["training"]["template"]["spec"]["nodeSelector"] = {"gpu": "h100"}
    mirror.own(body)
    found = workload(mirror)
    assert (found.required_level, found.preferred_level) == ("topology.commonpool.dev/block", "topology.commonpool.dev/rack")
    assert found.node_selector == (("gpu", "h100"),)
    assert node(mirror, "gpu-0").labels == (("gpu", "h100"),)


def test_segments_and_a_spread_are_wishes_too() -> None:
    mirror = FilledMirror()
    rack, block = "topology.commonpool.dev/rack", "topology.commonpool.dev/block"
    placement = {"segment": {"size": 2, "level": rack}, "spread": {"level": block, "minDomains": 3}}
    mirror.own(training_body(placement=placement))
    found = workload(mirror)
    assert (found.segment, found.spread) == (Segment(2, rack), Spread(block, min_domains=3, max_skew=1))


def test_a_held_job_needs_all_its_ranks() -> None:
    mirror = FilledMirror()
    mirror.jobs_are(job_body("plain", pods=2, gpus=2, suspended=True, held=True))
    mirror.own(tracked_body("plain"))
    found = workload(mirror, "plain")
    assert (found.needs, found.needs_min, found.shape.gpu_milli) == ((Seat(0), Seat(1)), 2, 2000)
    assert found.wishes == (Wish(resource_name=GPU),)


def test_a_held_job_without_ranks_needs_any_places() -> None:
    mirror = FilledMirror()
    mirror.jobs_are(job_body("plain", suspended=True, held=True, indexed=False))
    mirror.own(tracked_body("plain"))
    assert workload(mirror, "plain").needs == (ANY_SEAT,) * 2


def test_a_job_that_its_owner_suspended_stays_suspended_and_its_promises_are_void() -> None:
    mirror = FilledMirror()
    mirror.jobs_are(job_body("plain", suspended=True))
    mirror.own(tracked_body("plain"))
    mirror.promised(line("Job", "plain", (Seat(0), "gpu-0"), (Seat(1), "gpu-0")))
    found = workload(mirror, "plain")
    assert (reason(found), found.holdings) == (Reason.SUSPENDED_BY_OWNER, ())


def test_a_job_with_pods_needs_those_that_wait_but_first_all_must_exist() -> None:
    mirror = FilledMirror()
    mirror.jobs_are(job_body("plain", pods=3))
    mirror.own(tracked_body("plain"))
    mirror.pods_are(pod_body("plain-b", job="plain", rank=1), pod_body("plain-a", job="plain", rank=0))
    assert reason(workload(mirror, "plain")) is Reason.STARTING
    mirror.pods_are(pod_body("plain-c", job="plain", rank=2))
    found = workload(mirror, "plain")
    assert (found.needs, found.needs_min, found.blocked) == ((Seat(pod="plain-a"), Seat(pod="plain-b"), Seat(pod="plain-c")), 3, None)


def test_a_deployments_pods_need_places_one_by_one_and_ended_ones_none() -> None:
    mirror = FilledMirror()
    mirror.deployments_are(deployment_body("web"))
    mirror.own(tracked_body("web", "Deployment"))
    ending = service_pod_body("web-c", "web")
    ending["metadata"]["deletionTimestamp"] = BORN
    mirror.pods_are(service_pod_body("web-b", "web"), service_pod_body("web-a", "web"), ending)
    found = workload(mirror, "web")
    assert (found.needs, found.needs_min) == ((Seat(pod="web-a"), Seat(pod="web-b")), 1)


def test_pods_that_ask_for_different_accelerators_are_placed_in_different_rounds() -> None:
    mirror = FilledMirror()
    mirror.deployments_are(deployment_body("web"))
    mirror.own(tracked_body("web", "Deployment"))
    mirror.pods_are(service_pod_body("web-a", "web", gpus=2), service_pod_body("web-b", "web", gpus=1))
    found = workload(mirror, "web")
    assert (found.needs, found.shape.gpu_milli) == ((Seat(pod="web-a"),), 2000)


def test_a_bare_pod_is_a_workload_until_it_has_ended() -> None:
    mirror = FilledMirror()
    mirror.own(tracked_body("notebook", "Pod"))
    mirror.pods_are(pod_body("notebook"))
    assert workload(mirror, "notebook").needs == (Seat(pod="notebook"),)
    mirror.pods_are(pod_body("notebook", node="gpu-0", phase="Succeeded"))
    assert (workload(mirror, "notebook").needs, workload(mirror, "notebook").holdings) == ((), ())


def test_an_object_of_the_same_name_made_later_is_another_one() -> None:
    mirror = FilledMirror()
    mirror.jobs_are(job_body("plain", suspended=True, held=True))
    mirror.own(tracked_body("plain", uid="uid-of-the-one-before"))
    assert read(mirror).workloads == ()


def test_ending_pods_still_hold_their_place() -> None:
    mirror = FilledMirror()
    mirror.own(tracked_body("notebook", "Pod"))
    body = pod_body("notebook", node="gpu-0")
    body["metadata"]["deletionTimestamp"] = BORN
    mirror.pods_are(body)
    assert [holding.node for holding in workload(mirror, "notebook").holdings] == ["gpu-0"]

"""Objects that tenants wrote as they are."""

from dataclasses import replace
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import GPU
from tests.kube.objects import job_body, own_body, training_body

from commonpool.api import GPUWorkload
from commonpool.kube.facts import PodView, read_job, read_pod
from commonpool.kube.records import Job, Pod
from commonpool.kube.shapes import Shape
from commonpool.kube.tracking import Trackable, plan_tracking, read_trackables
from commonpool.kube.writes import Verb, Write
from commonpool.model.ids import ChildKey

KINDS = ("Job", "Deployment", "StatefulSet", "ReplicaSet", "Pod")


def make_trackable(
    name: str = "plain",
    kind: str = "Job",
    *,
    uid: str = "",
    namespace: str = "vision-dev",
    gpus: int = 1,
    age: int = 0,
    wishes: tuple[tuple[str, str], ...] = (),
    over: bool = False,
) -> Trackable:
    return Trackable(
        key=ChildKey(kind, namespace, name),
        uid=uid or f"u-{namespace}-{kind}-{name}",
        shape=Shape(extended=((GPU, gpus),) if gpus else ()),
        priority_class="",
        wishes=wishes,
        created_at=1000 - age,
        owner=None,
        owner_uid="",
        over=over,
    )


def plan(objects: list[Trackable], workloads: list[GPUWorkload]) -> list[Write]:
    return plan_tracking(objects, workloads, {"vision-dev", "nlp-dev"}, {GPU})


def carry_out(writes: list[Write], workloads: list[GPUWorkload]) -> list[GPUWorkload]:
    """The workloads as the cluster would hold them afterwards."""
    known: dict[tuple[str | None, str], dict[str, Any]] = {
        (workload.metadata.namespace, workload.metadata.name): workload.build_manifest() for workload in workloads
    }
    for write in writes:
        metadata = write.manifest["metadata"]
        key = (metadata["namespace"], metadata["name"])
        match write.verb:
            case Verb.CREATE:
                assert key not in known, "a name that is taken"
                known[key] = {**write.manifest, "metadata": {**metadata, "uid": f"gw-{key}"}}
            case Verb.DELETE:
                del known[key]
            case Verb.PATCH:
                spec = {**known[key]["spec"], **write.manifest["spec"]}
                known[key] = {**known[key], "spec": {field: value for field, value in spec.items() if value is not None}}
            case Verb.APPLY:
                raise AssertionError("applying would take over what a tenant made")
    return [GPUWorkload.model_validate(manifest) for manifest in known.values()]


trackables = st.lists(
    st.builds(
        make_trackable,
        st.sampled_from(["a", "b", "a-job", "a-pod"]),
        st.sampled_from(KINDS),
        namespace=st.sampled_from(["vision-dev", "nlp-dev", "nobody"]),
        gpus=st.integers(0, 2),
        age=st.integers(0, 2),
        wishes=st.sampled_from(
            [
                (),
                (("commonpool.dev/tier", "Spot"),),
                (("commonpool.dev/tier", "Gold"), ("commonpool.dev/placement-required", "example.com/rack")),
            ]
        ),
        over=st.booleans(),
    ),
    unique_by=lambda each: each.key,
    max_size=8,
)


@given(trackables, st.randoms(use_true_random=False), st.data())
def test_every_object_gets_one_workload_whatever_the_order_and_then_all_is_quiet(
    objects: list[Trackable], random: Random, data: st.DataObject
) -> None:
    mine = [workload for workload in carry_out(plan([make_trackable("a", namespace="nlp-dev")], []), []) if data.draw(st.booleans())]
    writes = plan(objects, mine)
    shuffled = objects.copy()
    random.shuffle(shuffled)
    assert plan(shuffled, list(reversed(mine))) == writes
    after = carry_out(writes, mine)
    assert plan(shuffled, after) == []
    asking = {each.uid for each in objects if each.key.namespace != "nobody" and each.shape.extended and not each.over}
    tracked = [workload.spec.tracked.uid for workload in after if workload.spec.tracked]
    assert asking <= set(tracked)
    assert len(tracked) == len(set(tracked))


@given(trackables, trackables)
def test_a_changed_world_is_followed_and_then_all_is_quiet(before: list[Trackable], after: list[Trackable]) -> None:
    workloads = carry_out(plan(before, []), [])
    assert plan(after, carry_out(plan(after, workloads), workloads)) == []


def test_the_oldest_object_gets_the_plain_name_and_the_others_say_their_kind() -> None:
    writes = plan([make_trackable("web", "Pod", age=1), make_trackable("web", "Deployment", age=2), make_trackable("web", "Job")], [])
    names = {write.manifest["spec"]["tracked"]["kind"]: write.manifest["metadata"]["name"] for write in writes}
    assert names == {"Deployment": "web", "Pod": "web-pod", "Job": "web-job"}


def test_an_object_made_anew_under_the_same_name_is_another_one() -> None:
    old = make_trackable(uid="old")
    [workload] = carry_out(plan([old], []), [])
    [write] = plan([replace(old, uid="new")], [workload])
    assert write.verb is Verb.CREATE
    assert write.manifest["spec"]["tracked"]["uid"] == "new"
    assert write.manifest["metadata"]["name"] == "plain-job"


def test_what_has_ended_stays_tracked_and_is_not_begun_with() -> None:
    running = make_trackable()
    ended = replace(running, over=True)
    assert plan([ended], []) == []
    assert plan([ended], carry_out(plan([running], []), [])) == []


def test_an_owner_that_does_not_make_such_an_object_is_not_believed() -> None:
    claimed = replace(make_trackable("rs", "ReplicaSet"), owner=ChildKey("Deployment", "vision-dev", "gone"), owner_uid="u")
    assert len(plan([claimed], [])) == 1
    real = make_trackable("gone", "Deployment")
    assert [write.manifest["spec"]["tracked"]["kind"] for write in plan([claimed, real], [])] == ["Deployment"]


@pytest.mark.parametrize("kind", ["Job", "Deployment"])
def test_the_child_of_a_deleted_workload_is_not_taken_for_its_tenants_own_while_it_waits_for_the_garbage_collector(kind: str) -> None:
    orphan = replace(make_trackable("gone", kind), owner=ChildKey("GPUWorkload", "vision-dev", "gone"), owner_uid="u-gone")
    assert plan([orphan], []) == []
    again = GPUWorkload.model_validate(own_body("GPUWorkload", "gone", training_body()["spec"], namespace="vision-dev", uid="u-anew"))
    assert plan([orphan], [again]) == []


def test_an_owner_of_a_like_named_kind_of_another_group_is_none_of_ours() -> None:
    body = job_body("plain", owner_uid="u-foreign")
    body["metadata"]["ownerReferences"][0]["apiVersion"] = "example.com/v1"
    job = read_job(msgspec.convert(body, Job, strict=False))
    assert len(plan(read_trackables([job], []), [])) == 1


def make_replica(name: str, owner_uid: str, *, namespace: str = "vision-dev", gpus: int = 1, phase: str = "Pending") -> PodView:
    """A pod that says it belongs to ReplicaSet `rs`."""
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "rs", "uid": owner_uid, "controller": True}
    pod = {
        "metadata": {"name": name, "namespace": namespace, "uid": f"u-{name}", "ownerReferences": [owner]},
        "spec": {"containers": [{"resources": {"limits": {GPU: str(gpus)}}}]},
        "status": {"phase": phase},
    }
    return read_pod(msgspec.convert(pod, Pod))


def test_a_replica_set_of_an_unknown_kind_of_owner_is_known_by_its_pods() -> None:
    pods = [make_replica("rs-a", "u-rs", phase="Succeeded"), make_replica("rs-b", "u-rs")]
    [write] = plan(read_trackables([], pods), [])
    assert write.manifest["spec"]["tracked"] == {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "rs", "uid": "u-rs"}


def test_a_pod_that_claims_the_uid_of_anothers_object_changes_nothing_there() -> None:
    job = make_trackable("secret", uid="u-secret", namespace="nlp-dev")
    workloads = carry_out(plan([job], []), [])
    forged = read_trackables([], [make_replica("rs-a", "u-secret", gpus=8)])
    [write] = plan([job, *forged], workloads)
    assert (write.verb, write.manifest["metadata"]["namespace"]) == (Verb.CREATE, "vision-dev")


def test_a_very_long_name_still_gives_a_name() -> None:
    long = "a" * 253
    writes = plan([make_trackable(long, "Pod", age=2), make_trackable(long, "Job", age=1), make_trackable(long, "StatefulSet")], [])
    names = [write.manifest["metadata"]["name"] for write in writes]
    assert len(set(names)) == 3
    assert max(len(name) for name in names) == 253

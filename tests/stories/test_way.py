"""The way from a manifest to bound pods and a status that a person reads, for each kind that a tenant may write."""

import json
from collections import Counter

import pytest
from tests.stories.cluster import consistently, eventually, make_job
from tests.stories.manifests import GPU, make_apps, make_cron_job, make_hpc, make_inference, make_pod, make_training
from tests.stories.manifests import make_job as make_plain_job
from tests.stories.story import Member, Story

from commonpool.local.client import Manifest

pytestmark = [pytest.mark.story, pytest.mark.timeout(600)]

BLOCK = "topology.commonpool.dev/block"
RACK = "topology.commonpool.dev/rack"
BLOCKS = [{"h100-001", "h100-002"}, {"h100-003", "h100-004"}]


@pytest.fixture
def alice(story: Story) -> Member:
    return story.add_tenant("vision", "alice")


def pool_of(counts: Counter[str]) -> set[str]:
    """Nodes are called after their pool."""
    return {node.partition("-")[0] for node in counts}


def test_training_inference_and_hpc_run_side_by_side_each_in_the_pool_it_asked_for(alice: Member) -> None:
    alice.kubectl("apply", "-f", "-", stdin=make_training("pretrain", pods=2))
    alice.kubectl("apply", "-f", "-", stdin=make_inference("chat", pods=3))
    alice.kubectl("apply", "-f", "-", stdin=make_hpc("weather", nodes=2, pool="a100"))
    for name in ("pretrain", "chat", "weather"):
        alice.kubectl("wait", "--for=condition=Placed", f"gpuworkload/{name}", "--timeout=60s")
        alice.kubectl("wait", "--for=condition=Running", f"gw/{name}", "--timeout=60s")
    assert sorted(alice.nodes("pretrain").values()) == [1, 1]
    assert pool_of(alice.nodes("pretrain")) == {"h100"}
    assert alice.nodes("chat").total() == 3
    assert pool_of(alice.nodes("chat")) == {"h100"}
    assert alice.nodes("weather") == Counter({"a100-001": 1, "a100-002": 1})


def test_the_wait_of_a_job_that_its_owner_held_back_counts_from_when_he_let_go(alice: Member) -> None:
    alice.create(make_plain_job(GPU, name="asleep", suspend=True))
    alice.expect("asleep", "SuspendedByOwner")
    consistently(lambda: "queuedAt" not in alice.look("asleep")["status"], for_seconds=3)
    alice.patch("Job", "asleep", {"spec": {"suspend": False}})
    queued_at = alice.expect("asleep", "Running")["status"]["queuedAt"]
    assert queued_at > alice.look("asleep", "Job")["metadata"]["creationTimestamp"]  # by as long as it was told to be suspended


def choosy(name: str, *, pods: int, **accelerators: object) -> Manifest:
    """A gang that may run on H100 or on A100, the cheaper ones first."""
    manifest = make_training(name, pods=pods)
    manifest["spec"]["accelerators"] |= {"anyOf": [{"pool": "h100"}, {"pool": "a100"}], "prefer": "Cheapest", **accelerators}
    return manifest


def test_of_two_pools_work_takes_the_cheaper_one_then_the_other_and_waits_only_if_it_wants_to(alice: Member) -> None:
    alice.create(choosy("frugal", pods=2))
    alice.expect("frugal", "Running")
    alice.create(choosy("next", pods=2))
    alice.create(choosy("patient", pods=2, waitSeconds=3600))
    alice.expect("next", "Running")
    alice.expect("patient", "InsufficientCapacity")
    assert [pool_of(alice.nodes(name)) for name in ("frugal", "next")] == [{"a100"}, {"h100"}]
    prices = "by `Cheapest`: `a100` (1.10 EUR an hour), `h100` (2.40 EUR an hour)"
    assert alice.look("frugal")["status"]["choice"] == f"choice 1 of 2 {prices}"
    assert alice.look("next")["status"]["choice"] == f"choice 2 of 2 {prices}; `a100` (InsufficientCapacity) did not take it then"
    assert "as `waitSeconds` says it leaves out pool `h100` until " in alice.wait("patient")["message"]
    nearest = "without `waitSeconds` it would start now in pool `h100`"
    eventually(lambda: alice.wait("patient").get("nearestChange"), until=lambda seen: seen == nearest)
    alice.patch("GPUWorkload", "patient", {"spec": {"accelerators": {"waitSeconds": 0}}})
    alice.expect("patient", "Running")
    assert pool_of(alice.nodes("patient")) == {"h100"}


def test_a_person_reads_where_things_stand_in_one_table(alice: Member) -> None:
    alice.create(make_training("pretrain", pods=4))
    alice.expect("pretrain", "Running")
    alice.create(make_training("next", pods=1))
    alice.expect("next", "InsufficientCapacity")
    rows = {line.split()[0]: line.split() for line in alice.kubectl("get", "gw").splitlines()}
    assert rows["NAME"][1:] == ["KIND", "POOL", "REPLICAS", "STATE", "WAITS-FOR", "ETA", "AGE"]
    assert rows["pretrain"][1:5] == ["Training", "h100", "4/4", "Running"]
    assert rows["next"][1:5] == ["Training", "0/1", "InsufficientCapacity", "InsufficientCapacity"]
    told = alice.kubectl("describe", "gw", "next")
    assert "pool `h100` has room for 0 of 1 pod with 8 accelerators each now" in told
    assert "Placed" not in alice.kubectl("events", "--for", "gpuworkload/pretrain")
    alice.delete("GPUWorkload", "pretrain")
    alice.expect("next", "Running")
    said = ("InsufficientCapacity", "1 of 1 pod has a place promised in pool `h100`")
    eventually(  # an Event is written beside the status
        lambda: alice.kubectl("events", "--for", "gpuworkload/next"), until=lambda seen: all(each in seen for each in said)
    )


def test_conditions_say_admitted_placed_running_and_in_the_end_succeeded(alice: Member) -> None:
    alice.create(make_training("short", pods=2, gpus=1, runtime="2s"))
    alice.expect("short", "Completed")
    alice.kubectl("wait", "--for=condition=Succeeded", "gw/short", "--timeout=30s")
    said = {kind: alice.condition("short", kind) for kind in ("Admitted", "Placed", "Running", "Succeeded")}
    assert {kind: each["status"] for kind, each in said.items()} == {
        "Admitted": "True",
        "Placed": "True",
        "Running": "False",
        "Succeeded": "True",
    }
    status = alice.look("short")["status"]
    assert status["replicas"]["summary"] == "2/2"
    assert status["tenant"] == alice.tenant
    assert status.get("accelerators", 0) == 0
    assert "wait" not in status


@pytest.mark.parametrize("indexed", [True, False], ids=["indexed", "not indexed"])
def test_a_plain_job_is_taken_in_as_it_is(alice: Member, indexed: bool) -> None:  # noqa: FBT001 - a parameter of the test
    job = make_job("finetune", pods=3, gpus=2) if indexed else make_plain_job({"nvidia.com/gpu": "2"}, name="finetune")
    job["spec"] |= {"parallelism": 3, "completions": 3}
    alice.kubectl("apply", "-f", "-", stdin=job)
    status = alice.expect("finetune", "Running")["status"]
    assert status["kind"] == "Job"
    assert status["accelerators"] == 6
    assert alice.nodes("finetune").total() == 3
    assert len(pool_of(alice.nodes("finetune"))) == 1
    assert alice.look("finetune", "Job")["spec"]["suspend"] is False


HELD = (make_apps("Deployment", GPU), make_apps("StatefulSet", GPU), make_pod(GPU))


@pytest.mark.parametrize("manifest", HELD, ids=lambda each: each["kind"])
def test_what_cannot_be_suspended_is_held_until_it_has_its_place(alice: Member, manifest: Manifest) -> None:
    if manifest["kind"] != "Pod":
        manifest["spec"]["replicas"] = 2
    alice.create(manifest)
    status = alice.expect("it", "Running")["status"]
    assert status["kind"] == manifest["kind"]
    assert alice.nodes("it").total() == manifest["spec"].get("replicas", 1)
    assert {pod["spec"]["schedulerName"] for pod in alice.pods("it")} == {"commonpool"}


def test_a_job_of_a_cron_job_queues_like_any_other(alice: Member) -> None:
    alice.create(make_cron_job(GPU))
    alice.kubectl("create", "job", "tonight", "--from=cronjob/it")
    alice.expect("tonight", "Running")
    assert alice.nodes("tonight").total() == 1


def test_a_gang_stays_within_one_block_if_it_must(alice: Member) -> None:
    for name in ("first", "second"):
        alice.create(make_training(name, pods=2, placement={"required": BLOCK}))
    for name in ("first", "second"):
        alice.expect(name, "Running")
    assert sorted(sorted(alice.nodes(name)) for name in ("first", "second")) == [sorted(block) for block in BLOCKS]


def test_a_gang_waits_while_each_block_has_room_for_a_part_of_it_only(story: Story, alice: Member) -> None:
    """Two blocks of two racks: one busy node in each leaves 16 accelerators, 8 in a block."""
    for name in ("left", "left-too", "right"):
        alice.create(make_training(name, pods=1, placement={"required": RACK}))
        alice.expect(name, "Running")
    alice.delete("GPUWorkload", "left-too")
    eventually(lambda: not alice.pods("left-too"))
    alice.create(make_training("wide", pods=2, placement={"required": BLOCK}))
    alice.expect("wide", "InsufficientCapacity")
    room = f"one `{BLOCK}` of pool `h100` has room for 1 of 2 pods"  # when the operator has seen all go that has gone
    eventually(lambda: alice.wait("wide")["message"], until=lambda seen: room in seen)
    with story.lawful():
        alice.delete("GPUWorkload", "right")
        alice.expect("wide", "Running")


def test_segments_and_equal_numbers_lie_as_asked(alice: Member) -> None:
    """Two blocks of two nodes each."""
    alice.create(make_training("even", pods=2, placement={"spread": {"level": BLOCK}}))
    alice.expect("even", "Running")
    assert sorted(sorted(block & set(alice.nodes("even"))) for block in BLOCKS) == [["h100-001"], ["h100-003"]]
    alice.delete("GPUWorkload", "even")
    eventually(lambda: not alice.pods("even"))
    alice.create(make_training("parts", pods=4, placement={"segment": {"size": 2, "level": BLOCK}}))
    alice.expect("parts", "Running")
    ranks = {
        int(pod["metadata"]["labels"]["batch.kubernetes.io/job-completion-index"]): pod["spec"]["nodeName"] for pod in alice.pods("parts")
    }
    assert [{ranks[0], ranks[1]}, {ranks[2], ranks[3]}] == BLOCKS


def test_a_job_that_its_owner_suspended_stays_suspended_and_says_so(alice: Member) -> None:
    alice.create(make_plain_job(GPU, name="mine", suspend=True))
    alice.expect("mine", "SuspendedByOwner")
    consistently(lambda: alice.look("mine", "Job")["spec"]["suspend"])
    assert not alice.pods("mine")
    assert "set `spec.suspend` to `false`" in alice.wait("mine")["message"]
    alice.patch("Job", "mine", {"spec": {"suspend": False}})
    alice.expect("mine", "Running")


def test_what_has_finished_makes_room_for_the_next(story: Story, alice: Member) -> None:
    alice.create(make_training("now", pods=4))
    alice.expect("now", "Running")
    alice.create(make_training("then", pods=4))
    alice.expect("then", "InsufficientCapacity")
    for pod in alice.pods("now"):
        story.admin.request("PATCH", f"{alice.path('Pod', pod['metadata']['name'])}/status", {"status": {"phase": "Succeeded"}})
    alice.expect("then", "Running")
    alice.expect("now", "Completed")
    assert alice.nodes("then").total() == 4


def test_a_gang_that_is_too_large_for_now_starts_whole_when_room_comes(story: Story, alice: Member) -> None:
    alice.create(make_training("small", pods=1))
    alice.expect("small", "Running")
    alice.create(make_training("large", pods=4))
    alice.expect("large", "InsufficientCapacity")
    assert not alice.pods("large")
    assert not alice.look("large", "Job").get("spec")
    with story.lawful():
        alice.delete("GPUWorkload", "small")
        alice.expect("large", "Running")
    assert sorted(alice.nodes("large")) == ["h100-001", "h100-002", "h100-003", "h100-004"]


def test_who_has_reached_his_quota_reads_so_and_starts_when_it_is_raised(story: Story) -> None:
    alice = story.add_tenant("vision", "alice", guaranteed=8, limit=8)
    alice.create(make_training("first", pods=1))
    alice.expect("first", "Running")
    alice.create(make_training("second", pods=1))
    alice.expect("second", "QuotaReached")
    assert "your limit of 8" in alice.wait("second")["message"]
    assert eventually(lambda: alice.wait("second").get("nearestChange"))
    story.write_quota(alice.tenant, guaranteed=8, limit=16)
    alice.expect("second", "Running")


def test_the_higher_priority_starts_first_when_room_comes(story: Story, alice: Member) -> None:
    urgent = f"urgent-{story.mark}"
    priority = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": urgent}, "value": 1000}
    story.admin.create("/apis/scheduling.k8s.io/v1/priorityclasses", priority)
    story.admin.request("PATCH", f"/apis/commonpool.dev/v1alpha1/tenants/{alice.tenant}", {"spec": {"priorityClasses": [urgent]}})
    alice.create(make_training("holder", pods=4))
    alice.expect("holder", "Running")
    alice.create(make_training("early", pods=4))
    alice.expect("early", "InsufficientCapacity")
    alice.create(make_training("urgent", pods=4, priorityClassName=urgent))
    alice.expect("urgent", "InsufficientCapacity")
    eventually(lambda: (alice.wait("urgent").get("position"), alice.wait("early").get("position")), until=lambda seen: seen == (1, 2))
    alice.delete("GPUWorkload", "holder")
    alice.expect("urgent", "Running")
    assert alice.state("early") == "InsufficientCapacity"
    story.admin.delete(f"/apis/scheduling.k8s.io/v1/priorityclasses/{urgent}")


def test_who_holds_less_of_his_share_comes_first(story: Story, alice: Member) -> None:
    bob = story.add_tenant("nlp", "bob")
    alice.create(make_training("big", pods=3))
    alice.expect("big", "Running")
    bob.create(make_training("blocker", pods=1))
    bob.expect("blocker", "Running")
    alice.create(make_training("early", pods=1))
    alice.expect("early", "InsufficientCapacity")
    bob.create(make_training("late", pods=1))
    bob.expect("late", "InsufficientCapacity")
    bob.delete("GPUWorkload", "blocker")
    bob.expect("late", "Running")
    assert alice.state("early") == "InsufficientCapacity"


def test_what_is_deleted_leaves_nothing_behind(story: Story, alice: Member) -> None:
    for manifest in (make_training("train", pods=2), make_hpc("solve", nodes=1), make_inference("serve", pods=1)):
        alice.create(manifest)
    for name in ("train", "solve", "serve"):
        alice.expect(name, "Running")
    for name in ("train", "solve", "serve"):
        alice.kubectl("delete", "gw", name, "--wait=false")
    kinds = "gpuworkloads,jobs,deployments,replicasets,pods,services,configmaps"
    left = {"kube-root-ca.crt"}

    def names() -> set[str]:
        items = json.loads(alice.kubectl("get", kinds, "-o", "json"))["items"]
        return {item["metadata"]["name"] for item in items}

    eventually(names, within_seconds=60, until=lambda seen: seen <= left)
    eventually(lambda: not story.rounds())
    pool = story.admin.get("/apis/commonpool.dev/v1alpha1/gpupools/h100")
    eventually(
        lambda: story.admin.get("/apis/commonpool.dev/v1alpha1/gpupools/h100")["status"]["accelerators"]["free"],
        until=lambda seen: seen == pool["status"]["accelerators"]["total"],
    )

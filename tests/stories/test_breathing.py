"""The pool breathes: work grows into what is idle and gives it back for a guarantee, nodes and replicas come and go."""

import signal
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from tests.stories.cluster import consistently, eventually, make_job
from tests.stories.manifests import make_apps, make_inference, make_training
from tests.stories.story import OURS, PATIENCE_SECONDS, Member, Story

from commonpool.local.client import Manifest
from commonpool.local.memory import read_memory

pytestmark = [pytest.mark.story, pytest.mark.timeout(600)]

RESIZE = "commonpool.dev/resize"
H100 = {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"}
LOCAL_GROUPS = "/apis/local.commonpool.dev/v1/nodegroups"


@pytest.fixture
def alice(story: Story) -> Member:
    return story.add_tenant("vision", "alice")


@pytest.fixture
def bob(story: Story) -> Member:
    return story.add_tenant("nlp", "bob", guaranteed=16)


def make_elastic(name: str, *, least: int, most: int, grace_seconds: int = 3) -> Manifest:
    body = make_training(name, pods=least)
    checkpoint = {"intervalSeconds": 600, "graceSeconds": grace_seconds}
    body["spec"]["training"] |= {"replicas": {"min": least, "max": most}, "checkpoint": checkpoint}
    return body


def expect_pods(member: Member, name: str, count: int) -> None:
    eventually(lambda: len(member.places(name)), within_seconds=PATIENCE_SECONDS, until=lambda seen: seen == count)
    member.expect(name, "Running")


def signal_of(member: Member, name: str) -> str:
    [first] = [pod for pod in member.pods(name) if pod["metadata"]["name"].startswith(f"{name}-0-")]
    return str(first["metadata"].get("annotations", {}).get(RESIZE, ""))


def test_an_elastic_training_starts_with_what_fits_and_grows_when_more_is_idle(story: Story, alice: Member) -> None:
    alice.create(make_training("other", pods=2))
    alice.expect("other", "Running")
    with story.lawful():
        alice.create(make_elastic("pretrain", least=1, most=4))
        expect_pods(alice, "pretrain", 2)
        alice.delete("GPUWorkload", "other")
        expect_pods(alice, "pretrain", 4)
    assert sorted(alice.places("pretrain")) == ["0", "1", "2", "3"]
    eventually(
        lambda: alice.look("pretrain")["status"], until=lambda seen: (seen["replicas"]["summary"], seen["accelerators"]) == ("4/4", 32)
    )


def test_it_is_told_before_it_shrinks_keeps_its_grace_and_the_claim_starts_then(story: Story, alice: Member, bob: Member) -> None:
    alice.create(make_elastic("pretrain", least=1, most=4, grace_seconds=10))
    expect_pods(alice, "pretrain", 4)
    with story.lawful():
        bob.create(make_training("claim", pods=2))
        resize = eventually(lambda: alice.look("pretrain")["status"].get("resize"))
        assert resize["replicas"] == 2
        eventually(lambda: signal_of(alice, "pretrain"), until=lambda seen: '"replicas":2' in seen)
        due = datetime.fromisoformat(resize["at"])
        eventually(lambda: len(alice.places("pretrain")), until=lambda seen: seen < 4)
        assert datetime.now(UTC) >= due  # noqa: TID251 - the cluster's clock is the machine's
        bob.expect("claim", "Running")
    expect_pods(alice, "pretrain", 2)
    assert sorted(alice.places("pretrain")) == ["0", "1"]
    eventually(lambda: signal_of(alice, "pretrain"), until=lambda seen: not seen)
    assert alice.tenant not in str(bob.look("claim")["status"])
    assert bob.tenant not in alice.kubectl("describe", "gw", "pretrain")
    bob.delete("GPUWorkload", "claim")
    expect_pods(alice, "pretrain", 4)


def test_a_checkpoint_ends_the_grace(alice: Member, bob: Member) -> None:
    alice.create(make_elastic("pretrain", least=1, most=4, grace_seconds=3600))
    expect_pods(alice, "pretrain", 4)
    bob.create(make_training("claim", pods=2))
    told = eventually(lambda: alice.look("pretrain")["status"].get("resize"))["toldAt"]
    consistently(lambda: len(alice.places("pretrain")), until=lambda seen: seen == 4)
    saved = datetime.fromisoformat(told).replace(microsecond=0)
    eventually(lambda: datetime.now(UTC), until=lambda now: (now - saved).total_seconds() > 1)  # noqa: TID251 - the same
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: TID251 - the same
    alice.patch("GPUWorkload", "pretrain", {"metadata": {"annotations": {"commonpool.dev/checkpointed-at": now}}})
    bob.expect("claim", "Running")


def test_a_claim_that_is_gone_before_the_grace_is_over_costs_nothing(alice: Member, bob: Member) -> None:
    alice.create(make_elastic("pretrain", least=1, most=4, grace_seconds=3600))
    expect_pods(alice, "pretrain", 4)
    bob.create(make_training("claim", pods=2))
    eventually(lambda: signal_of(alice, "pretrain"))
    bob.delete("GPUWorkload", "claim")
    eventually(lambda: signal_of(alice, "pretrain"), until=lambda seen: not seen)
    alice.expect("pretrain", "Running")
    assert len(alice.places("pretrain")) == 4


def test_an_operator_that_is_killed_within_the_grace_goes_on_where_it_was(story: Story, alice: Member, bob: Member) -> None:
    alice.create(make_elastic("pretrain", least=1, most=4, grace_seconds=5))
    expect_pods(alice, "pretrain", 4)
    with story.lawful():
        bob.create(make_training("claim", pods=2))
        resize = eventually(lambda: alice.look("pretrain")["status"].get("resize"))
        story.cluster.kill("operator")
        story.heal()
        bob.expect("claim", "Running")
    expect_pods(alice, "pretrain", 2)
    assert datetime.now(UTC) >= datetime.fromisoformat(resize["at"])  # noqa: TID251 - the same


def test_a_borrower_that_cannot_shrink_is_evicted_told_why_and_runs_again_later(story: Story, alice: Member, bob: Member) -> None:
    alice.create(make_job("plain", pods=3, gpus=8))
    alice.expect("plain", "Running")
    born = alice.look("plain")["metadata"]["creationTimestamp"]
    with story.lawful():
        bob.create(make_training("claim", pods=2))
        bob.expect("claim", "Running")
        status = eventually(lambda: alice.look("plain")["status"], until=lambda seen: seen.get("wait", {}).get("position") == 1)
    assert status["lastEviction"]["rule"] == "ReclaimedForGuarantee"
    assert status["lastEviction"]["by"] == "a workload within its tenant's guarantee"
    assert bob.tenant not in str(status)
    eventually(lambda: "Evicted" in alice.kubectl("events", "--for", "gpuworkload/plain"))
    assert alice.look("plain", "Job")["spec"]["suspend"] is True
    bob.delete("GPUWorkload", "claim")
    alice.expect("plain", "Running")
    assert alice.look("plain")["metadata"]["creationTimestamp"] == born


def test_a_deployment_gives_the_pod_that_it_borrows_its_others_serve_on_and_it_grows_again(story: Story, bob: Member) -> None:
    alice = story.add_tenant("speech", "alice", guaranteed=16)
    web = make_apps("Deployment", {"nvidia.com/gpu": "8"}, name="web", nodeSelector=H100)
    alice.create(web | {"spec": web["spec"] | {"replicas": 3}})
    expect_pods(alice, "web", 3)
    before = alice.places("web")
    with story.lawful():
        bob.create(make_training("claim", pods=2))
        bob.expect("claim", "Running")
        left = eventually(lambda: alice.places("web"), until=lambda seen: len(seen) == 2)
    assert left.items() < before.items()
    eventually(lambda: "Shrinking" in alice.kubectl("events", "--for", "gpuworkload/web"))
    status = eventually(
        lambda: alice.look("web")["status"],
        until=lambda seen: (seen["replicas"]["summary"], seen.get("wait", {}).get("reason")) == ("2/3", "InsufficientCapacity"),
    )
    assert "lastEviction" not in status
    assert bob.tenant not in alice.kubectl("describe", "gw", "web")
    consistently(lambda: alice.places("web"), until=lambda seen: seen == left)
    bob.delete("GPUWorkload", "claim")
    expect_pods(alice, "web", 3)


@pytest.fixture
def scalable(story: Story) -> Iterator[Callable[..., str]]:
    """A pool whose nodes come when they are asked for, at most 3 of 4 accelerators; gives its name."""

    def make(*, most: int = 3) -> str:
        scaling = {
            "minNodes": 0,
            "maxNodes": most,
            "cooldownSeconds": 3,
            "node": {"cpu": "128", "memory": "1Ti", "nvidia.com/gpu": 4},
            "provider": {"scale": {"apiVersion": "local.commonpool.dev/v1", "kind": "NodeGroup", "name": "l40s"}},
        }
        labels = {"matchLabels": {"nvidia.com/gpu.product": "NVIDIA-L40S"}}
        story.create("GPUPool", "l40s", {"vendor": "nvidia", "model": "L40S-PCIe-48GB", "nodes": labels, "scaling": scaling})
        return "l40s"

    yield make
    for member in story.members:
        member.client.request("DELETE", member.path("GPUWorkload"))
    story.admin.delete(f"{OURS}/gpupools/l40s")
    story.admin.request("PATCH", f"{LOCAL_GROUPS}/l40s", {"spec": {"replicas": 0}})
    eventually(
        lambda: story.admin.get(f"{LOCAL_GROUPS}/l40s")["status"].get("replicas", 0), within_seconds=60, until=lambda seen: seen == 0
    )


def count_nodes(story: Story) -> int:
    return sum(node["metadata"]["name"].startswith("l40s-") for node in story.admin.get("/api/v1/nodes")["items"])


def test_nodes_come_for_a_whole_gang_and_go_when_they_have_been_idle(story: Story, alice: Member, scalable: Callable[..., str]) -> None:
    pool = scalable()
    story.cluster.kill("machines", signal.SIGSTOP)  # no node comes before it has been seen to wait for one
    try:
        alice.create(make_training("gang", pods=2, gpus=4, pool=pool))
        alice.expect("gang", "WaitsForNodes")
    finally:
        story.cluster.kill("machines", signal.SIGCONT)
    alice.expect("gang", "Running")
    assert count_nodes(story) == 2
    alice.create(make_training("giant", pods=4, gpus=4, pool=pool))
    alice.expect("giant", "GangLargerThanPool")
    consistently(lambda: count_nodes(story), until=lambda seen: seen == 2)
    alice.delete("GPUWorkload", "gang")
    eventually(lambda: count_nodes(story), within_seconds=PATIENCE_SECONDS, until=lambda seen: seen == 0)
    eventually(lambda: story.admin.get(f"{OURS}/gpupools/{pool}")["status"]["scaling"], until=lambda seen: seen == {"wantedNodes": 0})


def test_a_provider_that_refuses_is_quoted(story: Story, alice: Member, scalable: Callable[..., str]) -> None:
    pool = scalable(most=9)
    alice.create(make_training("gang", pods=5, gpus=4, pool=pool))

    def says() -> str:
        conditions = story.admin.get(f"{OURS}/gpupools/{pool}").get("status", {}).get("conditions", [])
        return next((each["message"] for each in conditions if each["type"] == "Scaling" and each["status"] == "False"), "")

    eventually(says, until=lambda seen: "replicas `5` is not between `0` and `3`" in seen)
    alice.expect("gang", "WaitsForNodes")


def set_load(story: Story, member: Member, name: str, total: int) -> None:
    port = read_memory(story.cluster.places.memory).ports["load"]
    url = f"http://127.0.0.1:{port}/load?namespace={member.namespace}&name={name}&total={total}"
    with urllib.request.urlopen(urllib.request.Request(url, method="PUT"), timeout=5) as answer:
        assert answer.status == 200


def test_a_service_follows_its_load_up_at_once_and_down_when_it_is_calm(story: Story, alice: Member) -> None:
    body = make_inference("chat", pods=1)
    body["spec"]["inference"] |= {"replicas": {"min": 1, "max": 8}, "target": {"metric": "requestsPerSecond", "perReplica": "10"}}
    alice.create(body)
    alice.expect("chat", "Running")
    eventually(lambda: alice.condition("chat", "FollowsLoad").get("reason"), until=lambda seen: seen == "LoadUnknown")
    for total, pods in ((45, 5), (1000, 8), (12, 2)):
        set_load(story, alice, "chat", total)
        expect_pods(alice, "chat", pods)
    eventually(lambda: alice.condition("chat", "FollowsLoad")["status"], until=lambda seen: seen == "True")

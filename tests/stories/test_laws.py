"""The laws that every story ends with would see a breach: the operator is away, and somebody promises in its name what must not be."""

from collections.abc import Iterator

import pytest
from tests.stories.cluster import eventually
from tests.stories.instant import Instant, find_breaches, read_instant
from tests.stories.manifests import make_inference, make_round, make_training
from tests.stories.people import OPERATOR, hear
from tests.stories.story import OURS, Member, Story

from commonpool.kube.resources import LEASES
from commonpool.model.names import LEASE_NAME, SYSTEM_NAMESPACE

pytestmark = [pytest.mark.story, pytest.mark.timeout(600)]

NAME = "r-9999999998-1"


@pytest.fixture
def alice(story: Story) -> Iterator[Member]:
    """Her limit is 24; `runs` holds 8 and `waits` wants 32."""
    alice = story.add_tenant("vision", "alice", guaranteed=8, limit=24)
    alice.create(make_inference("runs", pods=1, gpus=8))
    alice.expect("runs", "Running")
    alice.create(make_training("waits", pods=4))
    alice.expect("waits", "QuotaReached")
    eventually(lambda: not story.rounds())
    story.cluster.kill("operator")
    yield alice
    story.admin.delete(f"{OURS}/rounds/{NAME}")


def promise(story: Story, alice: Member, nodes: str, ranks: str, *, before: Instant | None = None) -> set[str]:
    """Write the Round, and return the laws that it breaks."""
    line = {
        "workload": f"{alice.namespace}/waits",
        "kind": "Job",
        "tenant": alice.tenant,
        "pool": "h100",
        "nodes": nodes,
        "ranks": ranks,
        "request": "cpu=1000m,memory=1073741824,nvidia.com/gpu=8",
        "why": "WithinGuarantee",
    }
    spec = {"epoch": story.epoch(), "number": 9_999_999_998, "part": 1, "parts": 1, "gangs": [line]}
    assert not story.breaches()
    story.admin.impersonate(OPERATOR).request(
        "POST",
        f"{OURS}/rounds",
        {"apiVersion": "commonpool.dev/v1alpha1", "kind": "Round", "metadata": {"name": NAME}, "spec": spec},
    )
    return {breach.partition(":")[0] for breach in find_breaches(read_instant(story.admin), before)}


def test_a_node_that_is_promised_twice_is_seen(story: Story, alice: Member) -> None:
    [busy] = alice.nodes("runs")
    assert "law 1" in promise(story, alice, f"{busy}*1", "0")


def test_a_limit_that_is_exceeded_and_a_gang_that_is_torn_are_seen(story: Story, alice: Member) -> None:
    [busy] = alice.nodes("runs")
    free = sorted({f"h100-00{number}" for number in range(1, 5)} - {busy})
    assert promise(story, alice, " ".join(f"{node}*1" for node in free), "0-2") == {"law 2", "law 3"}


def test_a_promise_of_an_epoch_that_is_over_is_seen(story: Story, alice: Member) -> None:
    """The policy at the door believes the Lease, so somebody must have meddled with that too."""
    [busy] = alice.nodes("runs")
    epoch = story.epoch()
    set_epoch(story, epoch + 1)
    before = read_instant(story.admin)
    eventually(lambda: hear_promise(story, epoch))  # or the policy could learn both later than it is asked
    set_epoch(story, epoch)
    eventually(lambda: not hear_promise(story, epoch))
    assert promise(story, alice, f"{busy}*1", "0", before=before) == {"law 1", "law 3", "fencing"}


def hear_promise(story: Story, epoch: int) -> str:
    """Why a Round of this epoch is refused; empty if it is not."""
    return hear(story.admin.impersonate(OPERATOR), "POST", f"{OURS}/rounds", make_round(epoch))


def set_epoch(story: Story, epoch: int) -> None:
    story.admin.request("PATCH", LEASES.path(SYSTEM_NAMESPACE, LEASE_NAME), {"spec": {"leaseTransitions": epoch}})

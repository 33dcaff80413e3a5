"""The laws that every story ends with would see a breach: the operator is away, and somebody promises in its name what must not be."""

from collections.abc import Iterator

import pytest
from tests.stories.cluster import eventually
from tests.stories.instant import find_breaches, read_instant
from tests.stories.manifests import make_inference, make_training
from tests.stories.people import OPERATOR
from tests.stories.story import OURS, Member, Story

pytestmark = [pytest.mark.story, pytest.mark.timeout(120)]

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


def promise(story: Story, alice: Member, nodes: str, ranks: str) -> set[str]:
    """Write the Round, and return the laws that it breaks."""
    lease = story.admin.get("/apis/coordination.k8s.io/v1/namespaces/commonpool-system/leases/commonpool-operator")
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
    spec = {"epoch": lease["spec"]["leaseTransitions"], "number": 9_999_999_998, "part": 1, "parts": 1, "gangs": [line]}
    assert not story.breaches()
    story.admin.impersonate(OPERATOR).request(
        "POST",
        f"{OURS}/rounds",
        {"apiVersion": "commonpool.dev/v1alpha1", "kind": "Round", "metadata": {"name": NAME}, "spec": spec},
    )
    return {breach.partition(":")[0] for breach in find_breaches(read_instant(story.admin))}


def test_a_node_that_is_promised_twice_is_seen(story: Story, alice: Member) -> None:
    [busy] = alice.nodes("runs")
    assert "law 1" in promise(story, alice, f"{busy}*1", "0")


def test_a_limit_that_is_exceeded_and_a_gang_that_is_torn_are_seen(story: Story, alice: Member) -> None:
    [busy] = alice.nodes("runs")
    free = sorted({f"h100-00{number}" for number in range(1, 5)} - {busy})
    assert promise(story, alice, " ".join(f"{node}*1" for node in free), "0-2") == {"law 2", "law 3"}

"""What the pool writes to the API: nothing while nothing happens, and a round costs one Round and its bindings."""

import time
from collections import Counter

import pytest
from tests.stories.cluster import Audit, consistently, eventually, make_job
from tests.stories.manifests import GPU, make_apps, make_hpc, make_inference, make_training
from tests.stories.story import OPERATOR, SCHEDULER, Story

from commonpool.kube.status.delay import STEP_SECONDS
from commonpool.local.client import Manifest

pytestmark = [pytest.mark.story, pytest.mark.timeout(600)]

QUIET_SECONDS = 75
"""Longer than anything that the operator does by the clock, but the ten-minute look at tenants' namespaces."""
BY_THE_CLOCK = {
    (OPERATOR, "patch", "leases"),
    ("apiserver", "update", "leases"),
    ("resourcequota-controller", "update", "resourcequotas/status"),
}
"""Our Lease; the one by which Kubernetes' apiservers know each other; its own count of objects, set right every five minutes."""


def count_others(audit: Audit) -> Counter[tuple[str, str, str]]:
    return Counter({write: count for write, count in audit.tally().items() if write not in BY_THE_CLOCK})


def settle(story: Story) -> None:
    """Wait until nobody writes any more."""

    def is_still() -> bool:
        audit = story.audit()
        try:
            consistently(lambda: not count_others(audit), for_seconds=STEP_SECONDS + 1)
        except AssertionError:
            return False
        return not story.rounds()

    eventually(is_still, within_seconds=60)


def test_an_idle_pool_writes_nothing_but_the_lease(story: Story) -> None:
    alice = story.add_tenant("vision", "alice", guaranteed=32, limit=64)
    bob = story.add_tenant("nlp", "bob")
    for manifest in (make_training("train", pods=3), make_inference("serve", pods=2), make_hpc("solve", nodes=1, pool="a100")):
        alice.create(manifest)
        alice.expect(manifest["metadata"]["name"], "Running")
    bob.create(make_apps("StatefulSet", GPU, name="notes"))
    bob.create(make_job("plain", pods=2))
    for name in ("notes", "plain"):
        bob.expect(name, "Running")
    bob.create(make_job("short", runtime="1s"))
    bob.expect("short", "Completed")
    alice.create(make_training("waiting", pods=1))
    alice.expect("waiting", "InsufficientCapacity")
    settle(story)
    audit, began_at = story.audit(), time.monotonic()  # noqa: TID251 - a real cluster takes real time
    consistently(lambda: count_others(audit), for_seconds=QUIET_SECONDS, until=lambda seen: not seen)
    renewals = audit.tally()[OPERATOR, "patch", "leases"]
    assert 0 < renewals <= (time.monotonic() - began_at) / 3 + 1  # noqa: TID251 - the same


PODS = 16
RELEASED = (make_job("train", pods=PODS), {("create", "gpuworkloads"): 1, ("patch", "jobs"): 1})
MADE = (make_training("train", pods=PODS, gpus=1), {("create", "jobs"): 1, ("create", "services"): 1})


@pytest.mark.parametrize(("manifest", "more"), [RELEASED, MADE], ids=["a Job as it is", "a GPUWorkload"])
def test_a_round_that_places_pods_costs_one_round_and_a_binding_each(
    story: Story, manifest: Manifest, more: dict[tuple[str, str], int]
) -> None:
    """It starts within seconds, so that it is told once: that it runs. A start that takes longer is told in steps."""
    alice = story.add_tenant("vision", "alice", guaranteed=32, limit=32)
    settle(story)
    audit, began_at = story.audit(), time.monotonic()  # noqa: TID251 - a real cluster takes real time
    alice.create(manifest)
    alice.expect("train", "Running")
    steps = int((time.monotonic() - began_at) / STEP_SECONDS)  # noqa: TID251 - the same
    settle(story)
    assert audit.tally(user=SCHEDULER) == Counter({(SCHEDULER, "create", "pods/binding"): PODS})
    ours = {(verb, what): count for (_, verb, what), count in audit.tally(user=OPERATOR).items() if what != "leases"}
    statuses = {what: ours.pop((verb, what)) for verb, what in list(ours) if what.endswith("/status")}
    assert ours == {("create", "rounds"): 1, ("delete", "rounds"): 1, **more}
    assert statuses.pop("gpuworkloads/status") <= 3 + steps
    assert set(statuses) <= {"gpupools/status", "gpuquotas/status", "tenants/status"}
    assert all(count <= 2 + steps for count in statuses.values()), statuses

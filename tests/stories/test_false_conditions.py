"""What only the operator can know to be wrong is accepted, and shown at once as a False condition with a reason and the way out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from tests.stories.cluster import eventually, make_node
from tests.stories.manifests import GPU, make_apps, make_gpu_workload, make_hpc, make_job, make_pod_spec, make_training
from tests.stories.story import OURS, Member, Story

from commonpool.local.client import Manifest

pytestmark = [pytest.mark.story, pytest.mark.timeout(600)]

PATIENCE_SECONDS = 120
PRIORITIES = "/apis/scheduling.k8s.io/v1/priorityclasses"
NAMESPACES = "/api/v1/namespaces"
NODES = "/api/v1/nodes"
NO_NODES = {"matchLabels": {"example.com/gpu": "none"}}


@dataclass(frozen=True, slots=True)
class Doubt:
    """One of our cluster-scoped objects that cannot do what it says, and what must be said of it; no reason: it is fine."""

    kind: str
    name: str
    spec: Manifest
    reason: str
    says: str
    condition: str = "Ready"


def list_work() -> Iterator[tuple[Manifest, str, str]]:
    """What tenants write, with the reason and a part of the sentence."""
    yield make_training("lost", pods=1, pool="nowhere"), "PoolNotFound", "there is no pool `nowhere`; there are: `a100`, `h100`"
    yield make_training("giant", pods=5), "GangLargerThanPool", "are more than pool `h100` could ever hold"
    yield make_training("titan", pods=2000), "GangLargerThanPool", "`2000` pods are more than one gang can have here"
    yield make_training("wide", pods=1, gpus=64), "GangLargerThanPool", "no node"
    yield make_hpc_after("orphan", "never-made"), "InvalidSpec", "`after` names `never-made`, and there is no GPUWorkload of that name"
    yield make_hpc_after("hen", "egg"), "InvalidSpec", "`after` goes round in a circle from here through `egg`"
    yield make_hpc_after("egg", "hen"), "InvalidSpec", "`after` goes round in a circle from here through `hen`"
    yield make_training("proud", pods=1, priorityClassName="never-made"), "InvalidSpec", "there is no PriorityClass `never-made`"
    yield make_training("urgent", pods=1, priorityClassName="fast-lane"), "PriorityNotAllowed", "`fast-lane`"
    yield with_template("clingy", affinity=REQUIRED), "NotSupported", "required `nodeAffinity` is not supported: use `nodeSelector`"
    yield named("vast", make_gpu_workload(accelerators={"perReplica": 1, "anyOf": [{"memory": "500Gi"}]})), "NoPoolMatches", "500Gi"
    yield make_training("near", pods=1, placement={"required": "example.com/zone"}), "TopologyNotSatisfiable", "`example.com/zone`"
    yield make_job({**GPU, "amd.com/gpu": "1"}, name="mixed"), "NotSupported", "ask for one kind of accelerator"
    yield make_job({**GPU, "example.com/fpga": "1"}, name="fpga"), "NotSupported", "`example.com/fpga`, which the pool cannot promise"
    yield make_job(GPU, name="asleep", suspend=True), "SuspendedByOwner", "set `spec.suspend` to `false`"
    idle = make_apps("Deployment", GPU, name="idle")
    idle["spec"]["replicas"] = 0
    yield idle, "NoPods", "its Deployment asks for no pods now"


REQUIRED: Manifest = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}}


def named(name: str, manifest: Manifest) -> Manifest:
    return manifest | {"metadata": {"name": name}}


def make_hpc_after(name: str, other: str) -> Manifest:
    manifest = make_hpc(name, nodes=1)
    manifest["spec"]["hpc"]["after"] = [other]
    return manifest


def with_template(name: str, **more: Any) -> Manifest:  # noqa: ANN401 -- fields of a pod spec
    return named(name, make_gpu_workload(training={"replicas": {"min": 1, "max": 1}, "template": {"spec": make_pod_spec(**more)}}))


def list_settings(mark: str, taken: str) -> Iterator[Doubt]:
    """What administrators write."""
    pool = {"vendor": "nvidia", "model": "H100-SXM-80GB", "nodes": NO_NODES}
    provider = {"scale": {"apiVersion": "example.com/v1", "kind": "NoSuchKind", "name": "it"}}
    node = {"cpu": "8", "memory": "64Gi", "nvidia.com/gpu": "8"}
    yield Doubt("GPUPool", f"z-none-{mark}", pool, "NoNodes", "no node matches `nodes`: compare it with `kubectl get nodes --show-labels`")
    bare = pool | {"nodes": {"matchLabels": {"example.com/bare": mark}}}
    yield Doubt("GPUPool", f"z-bare-{mark}", bare, "NoAccelerators", "none offers `nvidia.com/gpu`: is the device plugin running there?")
    device = pool | {"model": "Other", "deviceClassName": "gpu.example.com"}
    yield Doubt(
        "GPUPool", f"z-device-{mark}", device, "NotSupported", "accelerators of device class `gpu.example.com` are not given out yet"
    )
    scaling = pool | {"scaling": {"minNodes": 1, "maxNodes": 2, "provider": provider, "node": node}}
    yield Doubt("GPUPool", f"z-scaled-{mark}", scaling, "ProviderRefused", "`example.com/v1` serves no `NoSuchKind`", "Scaling")
    blind = pool | {"scaling": {"maxNodes": 2, "provider": provider}}
    yield Doubt("GPUPool", f"z-blind-{mark}", blind, "NoNodes", "say in `scaling.node` what it gives to pods", "Scaling")
    yield Doubt("Tenant", f"lone-{mark}", {"parent": "nobody"}, "ParentNotFound", "there is no Tenant `nobody`: make it")
    yield Doubt("Tenant", f"left-{mark}", {"parent": f"right-{mark}"}, "ParentCircle", "goes round in a circle: give one a new parent")
    yield Doubt("Tenant", f"right-{mark}", {"parent": f"left-{mark}"}, "ParentCircle", "goes round in a circle: give one a new parent")
    yield Doubt("Tenant", f"thief-{mark}", {"namespaces": [taken]}, "NamespaceTaken", f"namespace `{taken}` belongs to another tenant")
    yield Doubt("Tenant", f"rich-{mark}", {}, "", "")
    yield Doubt("Tenant", f"heir-{mark}", {"parent": f"rich-{mark}"}, "", "")

    def doubt_quota(name: str, line: Manifest, reason: str, says: str) -> Doubt:
        return Doubt("GPUQuota", f"{name}-{mark}", {"tenant": f"{name}-{mark}", "pools": [line]}, reason, says)

    yield doubt_quota("ghost", {"pool": "h100"}, "TenantNotFound", f"there is no Tenant `ghost-{mark}`: make it, or delete this quota")
    yield doubt_quota("lone", {"pool": "nowhere"}, "PoolNotFound", "`nowhere`")
    yield doubt_quota("rich", {"pool": "h100", "guaranteed": 1000}, "GuaranteesExceedCapacity", "lower guarantees or add nodes")
    yield doubt_quota("heir", {"pool": "h100", "guaranteed": 2000}, "GuaranteesExceedParent", "the parent's `h100` guarantees 1000")


@pytest.fixture
def alice(story: Story) -> Iterator[Member]:
    """Her cluster also has a PriorityClass that is not hers, and a node without accelerators."""
    node = make_node(f"bare-{story.mark}", gpus=0, pool="bare", **{"example.com/bare": story.mark})
    priority = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "fast-lane"}, "value": 1000}
    story.admin.create(NODES, node)
    story.admin.create(PRIORITIES, priority)
    yield story.add_tenant("vision", "alice")
    story.admin.delete(f"{PRIORITIES}/fast-lane")
    story.admin.delete(f"{NODES}/bare-{story.mark}")


def test_what_a_tenant_wants_and_cannot_have_is_told_on_the_workload(alice: Member) -> None:
    work = list(list_work())
    for manifest, _, _ in work:
        alice.create(manifest)
    for manifest, reason, says in work:
        expect_told(partial(alice.condition, manifest["metadata"]["name"], "Running"), reason, says)


def test_what_an_administrator_says_that_cannot_be_is_told_on_the_object(story: Story, alice: Member) -> None:
    doubts = list(list_settings(story.mark, alice.namespace))
    paths = {f"{OURS}/{doubt.kind.lower()}s/{doubt.name}": doubt for doubt in doubts}
    try:
        for doubt in doubts:
            story.create(doubt.kind, doubt.name, doubt.spec)
        for path, doubt in paths.items():
            if doubt.reason:
                expect_told(partial(find_condition, story, path, doubt.condition), doubt.reason, doubt.says)
    finally:
        for path in paths:
            story.admin.delete(path)


def find_condition(story: Story, path: str, kind: str) -> Manifest:
    conditions: list[Manifest] = story.admin.get(path).get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] == kind), {})


def expect_told(look: Callable[[], Manifest], reason: str, says: str) -> None:
    """The reason may be right before the sentence is: of two that name each other, the first was read when the second was not there."""

    def is_told(seen: Manifest) -> bool:
        return (seen.get("reason"), seen.get("status")) == (reason, "False") and says in seen["message"]

    eventually(look, within_seconds=PATIENCE_SECONDS, until=is_told)


def test_work_in_a_namespace_of_nobody_and_in_a_pool_for_others_is_told_so(story: Story, alice: Member) -> None:
    closed, nobody = f"z-closed-{story.mark}", f"nobody-{story.mark}"
    spec = {"vendor": "nvidia", "model": "H100-SXM-80GB", "nodes": NO_NODES, "openTo": "Quota"}
    story.create("GPUPool", closed, spec)
    story.admin.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": nobody}})
    place = f"{OURS}/namespaces/{nobody}/gpuworkloads"
    try:
        alice.create(make_training("barred", pods=1, pool=closed))
        story.admin.request("POST", place, make_training("stray", pods=1))
        alice.expect("barred", "PoolNotOpen")
        assert f"pool `{closed}` is open only to tenants with a GPUQuota there" in alice.wait("barred")["message"]
        waits = eventually(
            lambda: story.admin.get(f"{place}/stray").get("status", {}).get("wait", {}),
            within_seconds=PATIENCE_SECONDS,
            until=lambda seen: seen.get("reason") == "NotATenant",
        )
        assert f"namespace `{nobody}` belongs to no tenant" in waits["message"]
    finally:
        story.admin.delete(f"{place}/stray")
        story.admin.delete(f"{NAMESPACES}/{nobody}")
        story.admin.delete(f"{OURS}/gpupools/{closed}")
        eventually(lambda: story.admin.find(f"{place}/stray") is None, within_seconds=PATIENCE_SECONDS)

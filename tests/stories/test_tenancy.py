"""A Tenant makes its namespaces and lets its members in there, and nowhere else."""

import pytest
from tests.stories.cluster import eventually
from tests.stories.manifests import make_gpu_workload
from tests.stories.people import hear
from tests.stories.story import OURS, Member, Story
from tests.stories.town import RBAC

from commonpool.local.client import Manifest

pytestmark = [pytest.mark.story, pytest.mark.timeout(600)]

GIVEN = (
    RBAC + "/namespaces/{}/rolebindings/commonpool-edit",
    "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies/commonpool-tenant-only",
    "/api/v1/namespaces/{}/resourcequotas/commonpool-objects",
)


@pytest.fixture
def alice(story: Story) -> Member:
    return story.add_tenant("vision", "alice", guaranteed=8, limit=8)


@pytest.fixture
def bob(story: Story) -> Member:
    return story.add_tenant("nlp", "bob")


def list_given(story: Story, namespace: str) -> list[str]:
    return [path for path in GIVEN if story.admin.find(path.format(namespace))]


def read_namespace(story: Story, name: str) -> Manifest:
    metadata: Manifest = story.admin.get(f"/api/v1/namespaces/{name}")["metadata"]
    return metadata


def set_namespaces(story: Story, member: Member, *names: str) -> None:
    story.admin.request("PATCH", f"{OURS}/tenants/{member.tenant}", {"spec": {"namespaces": list(names)}})


def test_namespaces_are_made_labelled_and_furnished(story: Story, alice: Member) -> None:
    assert read_namespace(story, alice.namespace)["labels"]["commonpool.dev/tenant"] == alice.tenant
    eventually(lambda: list_given(story, alice.namespace), until=lambda seen: len(seen) == len(GIVEN))

    def read_conditions() -> list[tuple[str, str]]:
        conditions = story.admin.get(f"{OURS}/tenants/{alice.tenant}").get("status", {}).get("conditions", [])
        return [(condition["type"], condition["status"]) for condition in conditions]

    eventually(read_conditions, until=lambda seen: seen == [("Ready", "True")])


def test_members_may_run_work_in_their_own_namespace_and_in_no_other(alice: Member, bob: Member) -> None:
    assert not hear(alice.client, "POST", alice.path("GPUWorkload"), make_gpu_workload())
    assert "forbidden" in hear(alice.client, "POST", bob.path("GPUWorkload"), make_gpu_workload())
    assert "forbidden" in hear(alice.client, "GET", bob.path("GPUWorkload"))
    assert "forbidden" in hear(bob.client, "POST", alice.path("Job"), {})


@pytest.mark.parametrize("kind", ["tenants", "gpupools", "gpuquotas", "rounds"])
def test_members_make_no_tenants_pools_quotas_or_rounds(alice: Member, kind: str) -> None:
    body = {"metadata": {"name": f"mine-{alice.tenant}"}}
    assert "forbidden" in hear(alice.client, "POST", f"{OURS}/{kind}", body)
    assert "forbidden" in hear(alice.client, "DELETE", f"{OURS}/{kind}/{alice.tenant}")


def test_a_namespace_that_is_listed_no_more_loses_what_it_was_given(story: Story, alice: Member) -> None:
    other = f"{alice.tenant}-prod"
    set_namespaces(story, alice, alice.namespace, other)
    eventually(lambda: not hear(alice.client, "POST", f"{OURS}/namespaces/{other}/gpuworkloads", make_gpu_workload()))
    set_namespaces(story, alice, alice.namespace)
    eventually(lambda: "commonpool.dev/tenant" not in read_namespace(story, other).get("labels", {}))
    assert not list_given(story, other)
    eventually(lambda: "forbidden" in hear(alice.client, "POST", f"{OURS}/namespaces/{other}/gpuworkloads", make_gpu_workload()))
    eventually(lambda: list_given(story, alice.namespace), until=lambda seen: len(seen) == len(GIVEN))
    story.admin.delete(f"/api/v1/namespaces/{other}")


def test_a_member_who_leaves_loses_his_role_and_a_new_one_gets_it(story: Story, alice: Member) -> None:
    bob = story.admin.impersonate("bob")
    members = [{"kind": "User", "name": "bob", "role": "edit"}]
    story.admin.request("PATCH", f"{OURS}/tenants/{alice.tenant}", {"spec": {"members": members}})
    eventually(lambda: not hear(bob, "POST", alice.path("GPUWorkload"), make_gpu_workload()))
    eventually(lambda: "forbidden" in hear(alice.client, "POST", alice.path("GPUWorkload"), make_gpu_workload()))

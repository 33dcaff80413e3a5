"""Who may do what, by the chart's RBAC and the policies beside it: tenants, the operator, and who may say who pays."""

from collections.abc import Iterator

import pytest
from tests.stories.manifests import GPU, make_gpu_workload, make_job, make_pod, make_round
from tests.stories.people import hear
from tests.stories.town import RBAC, Cluster, Town, build_town, make_binding, make_namespace

from commonpool.local.client import Manifest
from commonpool.local.waiting import wait_until

pytestmark = pytest.mark.story

NAMESPACES = "/api/v1/namespaces"
OURS = "/apis/commonpool.dev/v1alpha1"
OTHER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "other"}
LEASE = "/apis/coordination.k8s.io/v1/namespaces/commonpool-system/leases"


def make_config_map(name: str = "it") -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


@pytest.fixture(scope="module")
def town(local_cluster: Cluster) -> Iterator[Town]:
    yield from build_town(local_cluster.kubeconfig)


@pytest.fixture(scope="module")
def labeller(town: Town) -> Iterator[str]:
    """Somebody who may change namespaces, and of the Tenants only `vision`."""
    name = f"larry-{town.tenant}"
    role: Manifest = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": f"{name}-role"}}
    role["rules"] = [
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["create", "get", "patch"]},
        {"apiGroups": ["commonpool.dev"], "resources": ["tenants"], "resourceNames": ["vision"], "verbs": ["update"]},
    ]
    binding = make_binding(f"{name}-role", name, scope="ClusterRoleBinding")
    town.admin.create(f"{RBAC}/clusterroles", role)
    town.admin.create(f"{RBAC}/clusterrolebindings", binding)
    wait_until(lambda: not hear(town.person(name), "POST", NAMESPACES, make_namespace("it")), "larry may make namespaces", 30)
    yield name
    town.admin.delete(f"{RBAC}/clusterrolebindings/{binding['metadata']['name']}")
    town.admin.delete(f"{RBAC}/clusterroles/{name}-role")


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ({"tenant": "rival"}, "may be set to `rival` only by who may update that Tenant"),
        ({"tenant": ""}, "`commonpool.dev/tenant` is empty"),
        ({"exempt": "true"}, "`commonpool.dev/exempt` is the pool's own"),
    ],
)
def test_a_new_namespace_cannot_say_that_somebody_else_pays(town: Town, labeller: str, labels: dict[str, str], says: str) -> None:
    assert says in hear(town.person(labeller), "POST", NAMESPACES, make_namespace("it", **labels))
    assert not hear(town.person(labeller), "POST", NAMESPACES, make_namespace("it", tenant="vision"))


def test_the_label_can_be_changed_only_by_who_may_update_both_tenants(town: Town, labeller: str) -> None:
    larry, bob = town.person(labeller), town.person(f"bob-{labeller}")
    town.admin.create(f"{RBAC}/clusterrolebindings", make_binding("admin", f"bob-{labeller}", scope="ClusterRoleBinding"))
    wait_until(lambda: not hear(bob, "POST", town.path("ConfigMap"), make_config_map()), "bob is an admin of namespaces", 30)
    ours, theirs = f"{NAMESPACES}/{town.tenant}", f"{NAMESPACES}/{town.nobody}"

    def relabel(tenant: str | None) -> Manifest:
        return {"metadata": {"labels": {"commonpool.dev/tenant": tenant}}}

    assert not hear(larry, "PATCH", ours, relabel(None))
    assert not hear(larry, "PATCH", theirs, relabel("vision"))
    assert "may be set to `rival` only" in hear(larry, "PATCH", ours, relabel("rival"))
    assert not hear(larry, "PATCH", ours, {"metadata": {"labels": {"team": "blue"}}})
    assert not hear(town.admin, "PATCH", ours, relabel("rival"))
    assert not hear(town.operator, "PATCH", theirs, relabel("vision"))
    assert "forbidden" in hear(bob, "PATCH", ours, relabel(None))
    town.admin.delete(f"{RBAC}/clusterrolebindings/bob-{labeller}-admin")


def test_a_tenants_namespace_is_not_let_go_by_who_may_only_change_namespaces(town: Town, labeller: str) -> None:
    town.admin.request("PATCH", f"{NAMESPACES}/{town.nobody}", {"metadata": {"labels": {"commonpool.dev/tenant": "rival"}}})
    says = "`commonpool.dev/tenant` says that Tenant `rival` pays for namespace"
    for tenant in (None, "vision"):
        relabel = {"metadata": {"labels": {"commonpool.dev/tenant": tenant}}}
        assert says in hear(town.person(labeller), "PATCH", f"{NAMESPACES}/{town.nobody}", relabel)
    note = {"metadata": {"annotations": {"commonpool.dev/listed-by": "rival"}}}
    assert "`commonpool.dev/listed-by` is the pool's own" in hear(town.person(labeller), "PATCH", f"{NAMESPACES}/{town.nobody}", note)
    town.admin.request("PATCH", f"{NAMESPACES}/{town.nobody}", {"metadata": {"labels": {"commonpool.dev/tenant": None}}})
    refused = "belongs to no tenant"
    wait_until(
        lambda: refused in hear(town.operator, "POST", town.path("ConfigMap", town.nobody), make_config_map()),
        "it is known to be nobody's",
        30,
    )


@pytest.mark.parametrize("namespace", ["kube-system", "commonpool-system"])
def test_the_clusters_own_namespaces_belong_to_no_tenant(town: Town, namespace: str) -> None:
    relabel = {"metadata": {"labels": {"commonpool.dev/tenant": "vision"}}}
    for person in (town.admin, town.operator):
        assert f"namespace `{namespace}` is exempt" in hear(person, "PATCH", f"{NAMESPACES}/{namespace}", relabel)


def test_the_operator_writes_only_inside_tenants_namespaces(town: Town) -> None:
    says = "belongs to no tenant: the operator writes"
    budget: Manifest = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "it"}, "spec": {"maxUnavailable": 0}}
    for kind, body in (
        ("PodDisruptionBudget", budget),
        ("RoleBinding", make_binding("edit", "carol")),
        ("ConfigMap", make_config_map()),
        ("Job", make_job(GPU, schedulerName="commonpool")),
    ):
        assert says in hear(town.operator, "POST", town.path(kind, "kube-system"), body)
        assert says in hear(town.operator, "POST", town.path(kind, town.nobody), body)
        assert not hear(town.operator, "POST", town.path(kind), body)


def test_the_operator_hands_out_only_the_three_roles(town: Town) -> None:
    for role in ("admin", "edit", "view"):
        assert not hear(town.operator, "POST", town.path("RoleBinding"), make_binding(role, "carol"))
    assert "forbidden" in hear(town.operator, "POST", town.path("RoleBinding"), make_binding("cluster-admin", "carol"))


def test_a_tenant_writes_gpuworkloads_and_nothing_else_of_ours(town: Town) -> None:
    town.alice.create(town.path("GPUWorkload"), make_gpu_workload())
    mine = f"{town.path('GPUWorkload')}/it"
    assert not hear(town.alice, "PATCH", mine, {"spec": {"tier": "Spot"}})
    assert "forbidden" in hear(town.alice, "PATCH", f"{mine}/status", {"status": {"replicas": {"current": 9}}})
    assert not hear(town.alice, "GET", f"{OURS}/gpupools")
    for kind in ("tenants", "gpuquotas", "rounds"):
        assert "forbidden" in hear(town.alice, "GET", f"{OURS}/{kind}")
    assert "forbidden" in hear(town.alice, "POST", f"{OURS}/rounds", make_round(9))
    assert "forbidden" in hear(town.alice, "POST", f"{OURS}/gpupools", {"metadata": {"name": "it"}})
    town.alice.delete(mine)


@pytest.fixture
def tracked(town: Town) -> Iterator[str]:
    """The path of a GPUWorkload that the operator made; its owner is no Job, so that the operator of this cluster leaves it alone."""
    town.admin.create(town.path("ConfigMap"), make_config_map("owner"))
    owner = town.admin.get(f"{town.path('ConfigMap')}/owner")["metadata"]
    workload = make_gpu_workload(tracked={"apiVersion": "batch/v1", "kind": "Job", "name": "owner", "uid": owner["uid"]})
    workload["metadata"] = {
        "name": "stand-in",
        "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["uid"]}],
    }
    town.operator.create(town.path("GPUWorkload"), workload)
    yield f"{town.path('GPUWorkload')}/stand-in"
    town.admin.delete(f"{town.path('ConfigMap')}/owner")
    wait_until(lambda: not town.admin.find(f"{town.path('GPUWorkload')}/stand-in"), "it went with its owner", 60)


FREED: Manifest = {"metadata": {"ownerReferences": None}}


def test_what_stands_for_an_object_goes_with_it_and_not_before(town: Town, tracked: str) -> None:
    """Whoever deletes it would have the object's whole age again, and nobody knew what it has used."""
    says = "GPUWorkload `stand-in` stands for Job `owner`: delete that"
    assert says in hear(town.alice, "DELETE", tracked)
    assert says in hear(town.alice, "DELETE", town.path("GPUWorkload"))
    assert says in hear(town.alice, "PATCH", tracked, FREED)
    assert says in hear(town.alice, "PATCH", tracked, {"metadata": {"ownerReferences": [{**OTHER, "uid": "of-another"}]}})
    assert not hear(town.alice, "PATCH", tracked, {"metadata": {"labels": {"mine": "yes"}}})
    assert not hear(town.alice, "PATCH", tracked, {"spec": {"tier": "Spot"}})


@pytest.mark.parametrize("who", ["generic-garbage-collector", "namespace-controller"])
def test_controllers_let_it_go(town: Town, tracked: str, who: str) -> None:
    controller = town.person(f"system:serviceaccount:kube-system:{who}")
    assert not hear(controller, "DELETE", tracked)
    for person in (town.admin, town.operator):
        assert not hear(person, "DELETE", tracked)
        assert not hear(person, "PATCH", tracked, FREED)


def test_what_has_been_left_by_its_owner_is_its_tenants_to_delete(town: Town, tracked: str) -> None:
    """As `kubectl delete job --cascade=orphan` leaves it."""
    town.admin.request("PATCH", tracked, FREED)
    assert not hear(town.alice, "DELETE", tracked)
    town.alice.delete(tracked)


def test_who_may_view_sees_gpuworkloads_and_changes_none(town: Town) -> None:
    town.admin.create(town.path("RoleBinding"), make_binding("view", "victor"))
    victor = town.person("victor")
    wait_until(lambda: not hear(victor, "GET", town.path("GPUWorkload")), "victor may view", 30)
    assert "forbidden" in hear(victor, "POST", town.path("GPUWorkload"), make_gpu_workload())


def test_a_tenant_neither_binds_nor_resizes_pods(town: Town) -> None:
    path = town.path("Pod")
    town.alice.create(path, make_pod(GPU, name="bound"))
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "bound"}, "target": {"kind": "Node", "name": "gpu-0001"}}
    assert "forbidden" in hear(town.alice, "POST", f"{path}/bound/binding", binding)
    for subresource in ("resize", "ephemeralcontainers", "status"):
        assert "forbidden" in hear(town.alice, "PATCH", f"{path}/bound/{subresource}", {"spec": {}})
    town.alice.delete(f"{path}/bound")


def test_a_leader_whose_epoch_is_over_writes_no_round(town: Town) -> None:
    lease: Manifest = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "commonpool-operator"}}
    town.operator.create(LEASE, lease | {"spec": {"leaseTransitions": 1, "holderIdentity": "it", "leaseDurationSeconds": 15}})
    before = int(town.admin.get(f"{LEASE}/commonpool-operator")["spec"]["leaseTransitions"])
    town.operator.request("PATCH", f"{LEASE}/commonpool-operator", {"spec": {"leaseTransitions": before + 1}})
    says = f"spec.epoch `{before}` is over: the leader of epoch"
    wait_until(lambda: says in hear(town.operator, "POST", f"{OURS}/rounds", make_round(before)), "the old epoch is over", 30)
    assert not hear(town.operator, "POST", f"{OURS}/rounds", make_round(before + 1000))

"""The chart's admission policies on a real apiserver: each way around the queue is refused with a sentence, and its honest twin passes.

Almost everything is a dry run: policies act on it, and nothing is kept.
"""

from collections.abc import Callable, Iterator

import pytest
from tests.stories.cluster import eventually
from tests.stories.manifests import GPU, POOL_TOLERATION, make_apps, make_job, make_pod
from tests.stories.people import hear, try_create
from tests.stories.town import RBAC, Cluster, Town, build_town, make_binding
from tests.stories.ways import EVERY_TAINT, FORGED, INIT, WAYS, Way, make_kind

from commonpool.local.client import Manifest
from commonpool.local.waiting import wait_until

pytestmark = pytest.mark.story

ADMISSION = "/apis/admissionregistration.k8s.io/v1"


@pytest.fixture(scope="module")
def town(local_cluster: Cluster) -> Iterator[Town]:
    yield from build_town(local_cluster.kubeconfig)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_way_around_the_queue_is_refused_and_its_honest_twin_passes(town: Town, way: Way) -> None:
    path = town.path(way.refused["kind"], town.nobody if way.elsewhere else town.tenant)
    assert way.says in hear(town.alice, "POST", path, way.refused)
    assert not hear(town.alice, "POST", path, way.twin)


@pytest.mark.parametrize("resource", ["nvidia.com/gpu", "amd.com/gpu", "huawei.com/Ascend910", "nvidia.com/mig-1g.10gb", "google.com/tpu"])
def test_an_unchanged_job_for_any_vendors_accelerator_waits_suspended(town: Town, resource: str) -> None:
    job = try_create(town.alice, town.path("Job"), make_job({resource: 1}))
    spec = job["spec"]["template"]["spec"]
    assert job["spec"]["suspend"] is True
    assert job["metadata"]["annotations"] == {"commonpool.dev/held": "true"}
    assert spec["schedulerName"] == "commonpool"
    assert spec["tolerations"] == [POOL_TOLERATION]


def test_a_job_keeps_its_own_annotations_and_tolerations(town: Town) -> None:
    own = {"key": "example.com/spare", "operator": "Exists"}
    wished = make_job(GPU, tolerations=[own])
    wished["metadata"]["annotations"] = {"commonpool.dev/tier": "Spot"}
    job = try_create(town.alice, town.path("Job"), wished)
    assert job["metadata"]["annotations"] == {"commonpool.dev/tier": "Spot", "commonpool.dev/held": "true"}
    assert job["spec"]["template"]["spec"]["tolerations"] == [own, POOL_TOLERATION]


def test_a_job_that_its_owner_suspended_stays_his_to_release(town: Town) -> None:
    job = try_create(town.alice, town.path("Job"), make_job(GPU, suspend=True))
    assert "annotations" not in job["metadata"]
    assert job["spec"]["template"]["spec"]["schedulerName"] == "commonpool"


def test_the_operators_own_jobs_are_not_suspended(town: Town) -> None:
    ready = make_job(GPU, schedulerName="commonpool", tolerations=[POOL_TOLERATION])
    assert try_create(town.operator, town.path("Job"), ready)["spec"].get("suspend", False) is False


@pytest.mark.parametrize("make", [make_pod, make_job, make_kind("Deployment"), make_kind("StatefulSet")])
def test_what_asks_for_no_accelerator_passes_untouched(town: Town, make: Callable[..., Manifest]) -> None:
    kind = make()["kind"]
    here = try_create(town.alice, town.path(kind), make())
    elsewhere = try_create(town.alice, town.path(kind, town.nobody), make())
    assert read_said(here) == read_said(elsewhere)


def read_said(stored: Manifest) -> Manifest:
    """The spec without what differs between any two objects: the Job's UID and the name of the token's volume."""
    spec: Manifest = stored["spec"]
    spec.pop("selector", None)
    labels = spec.get("template", {}).get("metadata", {}).get("labels", {})
    for label in ("controller-uid", "batch.kubernetes.io/controller-uid"):
        labels.pop(label, None)
    for named in (*spec.get("volumes", []), *(mount for container in spec.get("containers", []) for mount in container["volumeMounts"])):
        named["name"] = "token"
    return spec


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_a_template_is_sent_to_the_pool_and_sending_it_again_changes_nothing(town: Town, kind: str) -> None:
    path = town.path(kind)
    first = try_create(town.alice, path, make_apps(kind, GPU))["spec"]["template"]
    assert first["spec"]["schedulerName"] == "commonpool"
    assert first["spec"]["tolerations"] == [POOL_TOLERATION]
    again = try_create(town.alice, path, make_apps(kind, GPU) | {"spec": make_apps(kind)["spec"] | {"template": first}})
    assert again["spec"]["template"] == first


def test_a_bare_pod_is_sent_to_the_pool(town: Town) -> None:
    spec = try_create(town.alice, town.path("Pod"), make_pod(GPU))["spec"]
    assert spec["schedulerName"] == "commonpool"
    assert POOL_TOLERATION in spec["tolerations"]


def test_an_accelerator_that_only_an_init_container_asks_for_is_seen(town: Town) -> None:
    spec = try_create(town.alice, town.path("Pod"), make_pod(initContainers=INIT))["spec"]
    assert spec["schedulerName"] == "commonpool"


def test_a_pod_that_a_template_sent_is_not_touched_again(town: Town) -> None:
    spec = try_create(town.alice, town.path("Pod"), make_pod(GPU, schedulerName="commonpool", tolerations=[POOL_TOLERATION]))["spec"]
    assert spec["tolerations"].count(POOL_TOLERATION) == 1


def test_a_deployment_that_is_given_accelerators_later_is_sent_to_the_pool_once(town: Town) -> None:
    """Its controller must find its ReplicaSet again: a policy that changed that one too would make them without end."""
    path, name = town.path("Deployment"), "grows"
    town.alice.create(path, make_apps("Deployment", name=name) | {"metadata": {"name": name}})
    wait_until(lambda: is_observed(town.admin.get(f"{path}/{name}")), "the deployment has its first set", 30)
    town.alice.request("PATCH", f"{path}/{name}", {"spec": {"template": make_apps("Deployment", GPU)["spec"]["template"]}})
    template = town.alice.get(f"{path}/{name}")["spec"]["template"]["spec"]
    assert template["schedulerName"] == "commonpool"
    wait_until(lambda: is_observed(town.admin.get(f"{path}/{name}")), "the deployment is observed", 30)
    town.alice.request("PATCH", f"{path}/{name}", {"metadata": {"annotations": {"note": "unrelated"}}})
    wait_until(lambda: is_observed(town.admin.get(f"{path}/{name}")), "the deployment is observed", 30)
    sets = [each for each in town.admin.get(town.path("ReplicaSet"))["items"] if each["metadata"]["name"].startswith(f"{name}-")]
    assert len(sets) == 2
    town.alice.delete(f"{path}/{name}")


@pytest.mark.parametrize("own", [[], [{"key": "example.com/spare", "operator": "Exists"}]])
def test_a_template_that_gives_up_its_accelerators_gets_back_what_it_was(town: Town, own: list[Manifest]) -> None:
    path, name = f"{town.path('Deployment')}", f"shrinks-{len(own)}"
    tolerations: Manifest = {"tolerations": own} if own else {}
    town.alice.create(path, make_apps("Deployment", GPU, name=name, **tolerations))
    without = {"spec": {"template": {"spec": make_apps("Deployment")["spec"]["template"]["spec"]}}}
    town.alice.request("PATCH", f"{path}/{name}", without)
    spec = town.admin.get(f"{path}/{name}")["spec"]["template"]["spec"]
    assert spec["schedulerName"] == "default-scheduler"
    assert spec.get("tolerations", []) == own
    town.alice.delete(f"{path}/{name}")


def is_observed(deployment: Manifest) -> bool:
    status = deployment.get("status", {})
    return bool(status.get("observedGeneration") == deployment["metadata"]["generation"] and status.get("updatedReplicas") == 1)


def test_the_pods_of_a_released_job_come_with_all_that_the_pool_needs(town: Town) -> None:
    path, name = town.path("Job"), "released"
    town.alice.create(path, make_job(GPU, name=name))
    town.operator.request("PATCH", f"{path}/{name}", {"spec": {"suspend": False}})
    pods = f"{town.path('Pod')}?labelSelector=batch.kubernetes.io/job-name%3D{name}"
    (pod,) = eventually(lambda: town.admin.get(pods)["items"])
    assert pod["spec"]["schedulerName"] == "commonpool"
    assert POOL_TOLERATION in pod["spec"]["tolerations"]
    town.alice.request("DELETE", f"{path}/{name}?propagationPolicy=Background")


def test_a_pod_cannot_be_given_labels_or_tolerations_later(town: Town) -> None:
    path, name = town.path("Pod"), "later"
    town.alice.create(path, make_pod(name=name))
    pod = f"{path}/{name}"
    assert "`commonpool.dev/tenant` is the pool's own" in hear(town.alice, "PATCH", pod, {"metadata": {"labels": FORGED}})
    tolerations = town.admin.get(pod)["spec"].get("tolerations", [])
    assert "`commonpool.dev/pool` opens" in hear(town.alice, "PATCH", pod, {"spec": {"tolerations": [*tolerations, POOL_TOLERATION]}})
    assert not hear(town.alice, "PATCH", pod, {"metadata": {"labels": {"app": "other"}}})
    spare = {"key": "example.com/spare", "operator": "Exists"}
    assert not hear(town.alice, "PATCH", pod, {"spec": {"tolerations": [*tolerations, spare]}})
    town.alice.delete(pod)


def test_who_may_resize_pods_may_not_resize_those_with_accelerators(town: Town) -> None:
    role: Manifest = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "resizer"}}
    role["rules"] = [{"apiGroups": [""], "resources": ["pods/resize"], "verbs": ["update"]}]
    town.admin.create(f"{RBAC}/namespaces/{town.tenant}/roles", role)
    town.admin.create(town.path("RoleBinding"), make_binding("resizer", "rita", kind="Role"))
    rita, path = town.person("rita"), town.path("Pod")

    def resize(name: str) -> str:
        pod = town.admin.get(f"{path}/{name}")
        pod["spec"]["containers"][0]["resources"]["limits"]["cpu"] = "2"
        return hear(rita, "PUT", f"{path}/{name}/resize", pod)

    for name, limits in (("small", {}), ("big", GPU)):
        pod = make_pod({"cpu": "1", "memory": "1Gi", **limits}, name=name)
        pod["spec"]["containers"][0]["resources"]["requests"] = {"cpu": "500m", "memory": "512Mi"}
        town.alice.create(path, pod)
    wait_until(lambda: not resize("small"), "rita may resize", 30)
    assert "pod `big` holds accelerators and what was promised beside them" in resize("big")
    for name in ("small", "big"):
        town.admin.delete(f"{path}/{name}")


def test_a_daemon_may_run_everywhere_but_not_take_accelerators(town: Town) -> None:
    """Network plugins and exporters tolerate every taint; their pods are made by the daemon set controller."""
    controller = town.person("system:serviceaccount:kube-system:daemon-set-controller")
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "exporter", "uid": "1", "controller": True}

    def make(limits: Manifest | None = None) -> Manifest:
        pod = make_pod(limits, tolerations=[EVERY_TAINT])
        pod["metadata"]["ownerReferences"] = [owner]
        return pod

    assert not hear(controller, "POST", town.path("Pod", town.nobody), make())
    assert "`operator: Exists` opens accelerator nodes" in hear(controller, "POST", town.path("Pod", town.nobody), make(GPU))
    assert "`operator: Exists` opens accelerator nodes" in hear(controller, "POST", town.path("Pod"), make())
    assert not hear(controller, "POST", town.path("Pod", "kube-system"), make(GPU))
    assert "`operator: Exists` opens accelerator nodes" in hear(town.alice, "POST", town.path("Pod", town.nobody), make())


def test_who_may_change_nodes_may_pass_them_by_taint_and_by_name(town: Town) -> None:
    """He could take the taint off as well: `kubectl debug node/...` does this."""
    debugger = make_pod(nodeName="gpu-0001", tolerations=[EVERY_TAINT])
    assert not hear(town.admin, "POST", town.path("Pod"), debugger)
    assert not hear(town.admin, "POST", town.path("Pod", town.nobody), debugger)


def test_a_pool_that_the_policies_do_not_know_is_refused(town: Town) -> None:
    pool: Manifest = {"apiVersion": "commonpool.dev/v1alpha1", "kind": "GPUPool", "metadata": {"name": "it"}}
    spec = {"vendor": "acme", "model": "One", "nodes": {"matchLabels": {"acme": "one"}}}
    path = "/apis/commonpool.dev/v1alpha1/gpupools"
    says = "spec.resourceName: `acme.com/npu` is unknown to the admission policies"
    assert says in hear(town.admin, "POST", path, pool | {"spec": spec | {"resourceName": "acme.com/npu"}})
    assert not hear(town.admin, "POST", path, pool | {"spec": spec | {"resourceName": "amd.com/gpu"}})


def test_no_policy_has_a_type_error(town: Town) -> None:
    """The status controller tells type errors that the apiserver only meets when it evaluates."""

    def read() -> list[Manifest]:
        policies = town.admin.get(f"{ADMISSION}/validatingadmissionpolicies")["items"]
        return [
            policy
            for policy in policies
            if policy["metadata"]["name"].startswith("commonpool-") and "probe" not in policy["metadata"]["name"]
        ]

    wait_until(lambda: all("typeChecking" in policy.get("status", {}) for policy in read()), "all policies are checked", 60)
    assert {policy["metadata"]["name"]: policy["status"]["typeChecking"] for policy in read() if policy["status"]["typeChecking"]} == {}
    assert len(read()) >= 10

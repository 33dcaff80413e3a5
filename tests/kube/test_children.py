"""What a workload is made into."""

from typing import Any

import pytest
from tests.builders import make_pool

from commonpool.api import GPUWorkload
from commonpool.errors import BugError, UserError
from commonpool.kube.children import build_children, build_scale_patch, find_child_key, find_refusal, is_child
from commonpool.model.ids import ChildKey
from commonpool.model.reasons import Reason

UID = "11111111-0000-0000-0000-000000000001"
CONTAINER = {"name": "main", "image": "registry.example/main:1"}


def make_gpuworkload(way: str = "training", *, per_replica: int = 8, template: dict[str, Any] | None = None, **spec: Any) -> GPUWorkload:  # noqa: ANN401 values of manifests
    """A workload of one way; `spec` are the fields of that way."""
    needed: dict[str, dict[str, Any]] = {
        "training": {"replicas": 4},
        "inference": {"replicas": 2},
        "hpc": {"nodes": 4, "walltimeSeconds": 3600},
    }
    return GPUWorkload.model_validate(
        {
            "metadata": {"name": "run", "namespace": "vision-dev", "uid": UID},
            "kind": "GPUWorkload",
            "spec": {
                "accelerators": {"perReplica": per_replica},
                way: {**needed[way], **spec, "template": template or {"spec": {"containers": [CONTAINER]}}},
            },
        }
    )


def build_main(workload: GPUWorkload, count: int = 4) -> dict[str, Any]:
    """The Job or Deployment."""
    return build_children(workload, make_pool(), count)[-1]


@pytest.mark.parametrize("way", ["training", "inference", "hpc"])
def test_the_same_workload_gives_the_same_manifests_and_stays_as_it_was(way: str) -> None:
    workload = make_gpuworkload(way)
    before = workload.model_copy(deep=True)
    first = build_children(workload, make_pool(), 4)
    assert build_children(workload, make_pool(), 4) == first
    assert workload == before


@pytest.mark.parametrize("way", ["training", "inference", "hpc"])
def test_every_child_belongs_to_its_workload_and_no_pod_carries_a_label_of_the_pool(way: str) -> None:
    workload = make_gpuworkload(way)
    for manifest in build_children(workload, make_pool(), 4):
        assert is_child(manifest, workload)
        assert manifest["metadata"]["namespace"] == "vision-dev"
        template = manifest["spec"]["template"] if "template" in manifest.get("spec", {}) else {"metadata": {}}
        assert not any(label.startswith("commonpool.dev/") for label in template["metadata"].get("labels", {}))


@pytest.mark.parametrize(("way", "kind"), [("training", "Job"), ("inference", "Deployment"), ("hpc", "Job")])
def test_the_child_that_runs_comes_last_under_the_key_that_rounds_use(way: str, kind: str) -> None:
    workload = make_gpuworkload(way)
    main = build_main(workload)
    assert find_child_key(workload) == ChildKey(kind, "vision-dev", "run")
    assert (main["kind"], main["metadata"]["name"]) == (kind, "run")


def test_a_service_selects_the_pods_of_its_workload_whatever_labels_the_tenant_gives_them() -> None:
    template = {"metadata": {"labels": {"app.kubernetes.io/instance": "mine", "app": "x"}}, "spec": {"containers": [CONTAINER]}}
    service, _, deployment = build_children(make_gpuworkload("inference", template=template), make_pool(), 2)
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert labels["app"] == "x"


def test_a_toleration_that_is_there_is_not_added_again() -> None:
    toleration = {"key": "commonpool.dev/pool", "operator": "Exists", "effect": "NoSchedule"}
    main = build_main(make_gpuworkload(template={"spec": {"tolerations": [toleration], "containers": [CONTAINER]}}))
    assert main["spec"]["template"]["spec"]["tolerations"] == [toleration]


def test_a_longer_grace_of_the_template_is_kept() -> None:
    workload = make_gpuworkload(
        checkpoint={"intervalSeconds": 60, "graceSeconds": 30},
        template={"spec": {"terminationGracePeriodSeconds": 90, "containers": [CONTAINER]}},
    )
    assert build_main(workload)["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 90


def test_no_pod_is_gone_before_its_containers_are() -> None:
    workload = make_gpuworkload(checkpoint={"intervalSeconds": 60, "graceSeconds": 0})
    assert build_main(workload)["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 1


def test_a_child_of_an_earlier_workload_of_the_same_name_is_not_a_child_of_this_one() -> None:
    workload = make_gpuworkload()
    main = build_main(workload)
    later = workload.model_copy(update={"metadata": workload.metadata.model_copy(update={"uid": "another"})})
    assert not is_child(main, later)
    assert not is_child({"metadata": {"name": "run"}}, workload)


def test_a_service_scales_by_replicas_and_a_gang_by_completions_too() -> None:
    assert build_scale_patch("Deployment", 3) == {"spec": {"replicas": 3}}
    assert build_scale_patch("Job", 3) == {"spec": {"parallelism": 3, "completions": 3}}


def test_a_pool_of_claimed_devices_is_refused_with_a_way_out() -> None:
    with pytest.raises(UserError, match="`dra` offers its accelerators as devices") as caught:
        build_children(make_gpuworkload(), make_pool("dra", resource_name=""), 1)
    assert "resourceName" in caught.value.hint


def test_a_tracked_object_has_no_children_of_ours() -> None:
    tracked = {"apiVersion": "batch/v1", "kind": "Job", "name": "plain", "uid": "u"}
    workload = GPUWorkload.model_validate(
        {"kind": "GPUWorkload", "metadata": {"name": "plain"}, "spec": {"accelerators": {"perReplica": 1}, "tracked": tracked}}
    )
    assert find_child_key(workload) == ChildKey("Job", "", "plain")
    with pytest.raises(BugError, match="tracks"):
        build_children(workload, make_pool(), 1)


@pytest.mark.parametrize("way", ["training", "inference", "hpc"])
def test_what_can_be_made_is_not_refused(way: str) -> None:
    assert find_refusal(make_gpuworkload(way), {8}) is None


@pytest.mark.parametrize(
    ("workload", "sizes", "reason", "way_out"),
    [
        (make_gpuworkload("hpc", array={"count": 10}), {8}, Reason.NOT_SUPPORTED, "GPUWorkload for each job"),
        (make_gpuworkload("hpc", per_replica=4, exclusive=True), {8}, Reason.NOT_SUPPORTED, "set perReplica to `8`"),
        (make_gpuworkload("hpc", nodes=100_000), {8}, Reason.NOT_SUPPORTED, "fewer nodes"),
        (
            make_gpuworkload(template={"metadata": {"labels": {"commonpool.dev/tenant": "x"}}, "spec": {"containers": [CONTAINER]}}),
            {8},
            Reason.INVALID_SPEC,
            "leave it out",
        ),
    ],
)
def test_what_cannot_be_made_is_refused_in_a_sentence_with_a_way_out(
    workload: GPUWorkload, sizes: set[int], reason: Reason, way_out: str
) -> None:
    refusal = find_refusal(workload, sizes)
    assert refusal is not None
    assert refusal.reason is reason
    assert way_out in refusal.message


def test_whole_nodes_may_be_exclusive() -> None:
    assert find_refusal(make_gpuworkload("hpc", exclusive=True), {4, 8}) is None

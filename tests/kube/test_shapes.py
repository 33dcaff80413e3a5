from typing import Any

import msgspec
import pytest

from commonpool.kube.records import PodSpec
from commonpool.kube.shapes import Shape, is_extended, read_shape

GIB = 1 << 30


def shape(**spec: Any) -> Shape:  # noqa: ANN401
    return read_shape(msgspec.convert(spec, PodSpec))


def container(limits: dict[str, str | int] | None = None, **requests: str | int) -> dict[str, Any]:
    return {
        "resources": {"requests": {name.replace("gpu", "nvidia.com/gpu"): amount for name, amount in requests.items()}, "limits": limits}
    }


def test_containers_run_side_by_side() -> None:
    found = shape(containers=[container(cpu="500m", memory="1Gi", gpu="1"), container(cpu=1, memory="1G", gpu="2")])
    assert (found.cpu_milli, found.memory_bytes, found.extended) == (1500, GIB + 10**9, (("nvidia.com/gpu", 3),))


def test_init_containers_run_one_after_another_before_the_others() -> None:
    found = shape(containers=[container(cpu="1")], initContainers=[container(cpu="3"), container(cpu="2", memory="1Gi")])
    assert (found.cpu_milli, found.memory_bytes) == (3000, GIB)


def test_a_sidecar_runs_beside_all_that_come_after_it() -> None:
    sidecar = {**container(cpu="1"), "restartPolicy": "Always"}
    assert shape(containers=[container(cpu="2")], initContainers=[sidecar]).cpu_milli == 3000
    assert shape(containers=[container(cpu="2")], initContainers=[sidecar, container(cpu="4")]).cpu_milli == 5000
    assert shape(containers=[container(cpu="2")], initContainers=[container(cpu="4"), sidecar]).cpu_milli == 4000


def test_a_limit_alone_is_a_request() -> None:
    assert shape(containers=[container(limits={"nvidia.com/gpu": "4", "cpu": "2"})]).extended == (("nvidia.com/gpu", 4),)
    assert shape(containers=[container(limits={"cpu": "2"}, cpu="1")]).cpu_milli == 1000


def test_overhead_comes_on_top_and_a_request_of_the_whole_pod_replaces_the_sum() -> None:
    assert shape(containers=[container(cpu="1")], overhead={"cpu": "250m"}).cpu_milli == 1250
    assert shape(containers=[container(cpu="1", memory="1Gi")], resources={"requests": {"cpu": "4"}}).cpu_milli == 4000


def test_amounts_are_exact_and_rounded_up() -> None:
    found = shape(containers=[container(cpu="0.0001", memory="1500m")])
    assert (found.cpu_milli, found.memory_bytes) == (1, 2)


def test_a_zero_is_no_request() -> None:
    assert shape(containers=[container(gpu="0")]).extended == ()


@pytest.mark.parametrize(
    ("name", "extended"),
    [
        ("nvidia.com/gpu", True),
        ("huawei.com/Ascend910", True),
        ("cpu", False),
        ("hugepages-2Mi", False),
        ("kubernetes.io/batch-cpu", False),
        ("requests.nvidia.com/gpu", False),
    ],
)
def test_extended_resources_are_told_apart_as_kubernetes_does(name: str, extended: bool) -> None:  # noqa: FBT001
    assert is_extended(name) is extended


REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": []}}}}, "`nodeAffinity`"),
        ({"affinity": {"podAffinity": {REQUIRED: [{}]}}}, "`podAffinity`"),
        ({"affinity": {"podAntiAffinity": {REQUIRED: [{}]}}}, "`podAntiAffinity`"),
        ({"topologySpreadConstraints": [{"whenUnsatisfiable": "DoNotSchedule"}]}, "`topologySpreadConstraints`"),
        ({"topologySpreadConstraints": [{}]}, "`topologySpreadConstraints`"),
        ({"resourceClaims": [{"name": "gpu"}]}, "`resourceClaims`"),
        ({"containers": [{"ports": [{"hostPort": 80}]}]}, "`hostPort`"),
    ],
)
def test_what_nobody_honours_is_named(spec: dict[str, Any], field: str) -> None:
    sentence = shape(**{"containers": [{}], **spec}).unsupported
    assert field in sentence
    assert ": " in sentence


def test_what_is_only_preferred_is_fine() -> None:
    preferred = "preferredDuringSchedulingIgnoredDuringExecution"
    found = shape(
        containers=[{"ports": [{"containerPort": 80}]}],
        affinity={"nodeAffinity": {preferred: [{}]}, "podAffinity": {preferred: [{}]}},
        topologySpreadConstraints=[{"whenUnsatisfiable": "ScheduleAnyway"}],
    )
    assert not found.unsupported

import json
from typing import Any

import pytest
import yaml
from pydantic import ValidationError
from tests.api.manifests import CORRECT, Manifest, a_pool, a_round, a_training, an_hpc, an_inference, edited

from commonpool.api import GPUPool, GPUQuota, GPUWorkload, Round, Tenant
from commonpool.api.resource import Object

KINDS: dict[str, type[Object]] = {"GPUPool": GPUPool, "Tenant": Tenant, "GPUQuota": GPUQuota, "GPUWorkload": GPUWorkload, "Round": Round}


def part_of(small: Any, large: Any) -> bool:  # noqa: ANN401 -- JSON
    """Whether all that `small` says stands in `large` as well."""
    if isinstance(small, dict):
        return isinstance(large, dict) and all(part_of(value, large.get(key)) for key, value in small.items())
    if isinstance(small, list):
        return isinstance(large, list) and len(small) == len(large) and all(map(part_of, small, large))
    return bool(small == large)


@pytest.mark.parametrize("build", CORRECT, ids=lambda build: build.__name__)
def test_a_manifest_comes_back_as_it_was_written(build: Any) -> None:  # noqa: ANN401 -- a builder
    manifest: Manifest = build()
    model = KINDS[manifest["kind"]].model_validate(manifest)
    back = model.build_manifest()
    assert part_of(manifest, back)
    assert part_of(back, json.loads(json.dumps(back)))
    assert yaml.safe_load(yaml.safe_dump(back)) == back
    assert type(model).model_validate(back) == model


def test_what_a_newer_version_adds_is_ignored() -> None:
    workload = GPUWorkload.model_validate(edited(a_training(), colour="red", training__colour="red"))
    assert "colour" not in workload.build_manifest()["spec"]


def test_a_pod_template_keeps_what_nobody_here_knows() -> None:
    manifest = edited(a_training(), training__template__spec__hostIPC=True, training__template__spec__containers__0__stdin=True)
    spec = GPUWorkload.model_validate(manifest).build_manifest()["spec"]["training"]["template"]["spec"]
    assert spec["hostIPC"] is True
    assert spec["containers"][0]["stdin"] is True


@pytest.mark.parametrize(
    ("manifest", "way"),
    [(edited(a_training(), training__replicas=4), "training"), (edited(an_inference(), inference__replicas=4), "inference")],
)
def test_a_plain_number_of_replicas_is_least_and_most(manifest: Manifest, way: str) -> None:
    replicas = getattr(GPUWorkload.model_validate(manifest).spec, way).replicas
    assert (replicas.min, replicas.max) == (4, 4)


def test_yes_is_no_number_of_replicas() -> None:
    with pytest.raises(ValidationError):
        GPUWorkload.model_validate(edited(a_training(), training__replicas=True))


def test_an_instant_is_written_the_way_kubernetes_does() -> None:
    workload = GPUWorkload.model_validate(edited(an_hpc(), hpc__startTime="2027-01-01T07:00:00.25+01:00"))
    assert workload.build_manifest()["spec"]["hpc"]["startTime"] == "2027-01-01T06:00:00Z"


def test_a_status_is_written_with_the_words_of_the_api() -> None:
    status = {
        "conditions": [
            {
                "type": "Placed",
                "status": "False",
                "reason": "QuotaReached",
                "message": "no",
                "lastTransitionTime": "2026-11-22T12:00:00Z",
                "observedGeneration": 2,
            }
        ],
        "wait": {"reason": "QuotaReached", "message": "no", "position": 3, "expectedStart": {"from": "2026-11-22T12:00:00Z"}},
        "replicas": {"have": 0, "want": 4, "summary": "0/4"},
        "lastEviction": {"rule": "Reclaim", "by": "nlp", "at": "2026-11-22T11:00:00Z"},
        "cost": {"amount": "12.50", "currency": "EUR"},
    }
    workload = GPUWorkload.model_validate({**a_training(), "status": status})
    assert workload.build_manifest()["status"] == status


def test_a_known_model_needs_no_more_words() -> None:
    spec = GPUPool.model_validate(a_pool()).spec.completed()
    assert (spec.resource_name, spec.memory) == ("nvidia.com/gpu", "80Gi")
    assert spec.speed is not None
    assert spec.speed["bf16"] == 989


def test_what_the_administrator_wrote_stays() -> None:
    manifest = edited(a_pool(), memory="79Gi", deviceClassName="gpu.nvidia.com", speed={"fp64": 60})
    spec = GPUPool.model_validate(manifest).spec.completed()
    assert (spec.resource_name, spec.device_class_name, spec.memory, spec.speed) == (None, "gpu.nvidia.com", "79Gi", {"fp64": 60})


def test_an_unknown_model_is_left_as_it_is() -> None:
    spec = GPUPool.model_validate(edited(a_pool(), model="Quantum-9000", resourceName="example.com/qpu")).spec
    assert spec.completed() == spec


def test_a_round_names_pods_by_rank_or_by_name() -> None:
    by_name = edited(a_round(), gangs__0__pods="web-7d4b-x2x web-7d4b-9kq")
    assert Round.model_validate(by_name).spec.gangs[0].pods == "web-7d4b-x2x web-7d4b-9kq"

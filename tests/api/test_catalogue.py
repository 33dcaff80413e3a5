import re
from pathlib import Path

import pytest
import yaml
from tests.api.manifests import a_pool, edited

from commonpool.api.catalogue import ACCELERATORS, MIG, MIG_RESOURCE_NAMES, RESOURCE_NAMES, find_accelerator
from commonpool.api.gpupool import GPUPool
from commonpool.api.names import PRECISIONS
from commonpool.api.quantity import parse_whole

ROOT = Path(__file__).parents[2]


def test_every_known_accelerator_makes_a_pool_that_needs_nothing_more() -> None:
    for accelerator in ACCELERATORS:
        spec = GPUPool.model_validate(edited(a_pool(), vendor=accelerator.vendor, model=accelerator.model)).spec.completed()
        assert spec.resource_name == accelerator.resource_name
        assert spec.memory is not None
        assert parse_whole(spec.memory) >= 16 * 1024**3
        assert set(accelerator.speed) <= set(PRECISIONS)


def test_a_model_stands_there_once() -> None:
    assert len({accelerator.model for accelerator in ACCELERATORS}) == len(ACCELERATORS)


def test_the_policies_know_every_resource_of_the_catalogue() -> None:
    values = yaml.safe_load((ROOT / "helm/commonpool/values.yaml").read_text(encoding="utf-8"))
    assert set(RESOURCE_NAMES) <= set(values["accelerators"]["resourceNames"])


def test_a_model_that_nobody_knows_is_not_guessed() -> None:
    assert find_accelerator("H100") is None


def test_the_policies_know_every_mig_instance_and_the_scheduler_its_profile() -> None:
    values = yaml.safe_load((ROOT / "helm/commonpool/values.yaml").read_text(encoding="utf-8"))
    assert MIG in values["accelerators"]["resourcePrefixes"]
    scheduler = (ROOT / "scheduler/mig/mig.go").read_text(encoding="utf-8")
    assert {name.removeprefix(MIG) for name in MIG_RESOURCE_NAMES} == set(re.findall(r"\b[1-7]g\.\d+gb(?:\.me)?", scheduler))
    assert len(set(MIG_RESOURCE_NAMES)) == len(MIG_RESOURCE_NAMES)


@pytest.mark.parametrize(
    ("resource", "memory", "bf16"),
    [
        ("nvidia.com/mig-3g.20gb", "20Gi", 133.7),
        ("nvidia.com/mig-1g.5gb.me", "5Gi", 44.6),
        ("nvidia.com/mig-7g.40gb", "40Gi", 312),
        ("nvidia.com/gpu", "40Gi", 312),
        ("nvidia.com/mig-odd", "40Gi", 312),
    ],
)
def test_a_pool_of_instances_has_the_memory_and_the_speed_of_one(resource: str, memory: str, bf16: float) -> None:
    spec = GPUPool.model_validate(edited(a_pool(), model="A100-SXM-40GB", resourceName=resource)).spec.completed()
    assert (spec.resource_name, spec.memory) == (resource, memory)
    assert spec.speed is not None
    assert spec.speed["bf16"] == bf16

from pathlib import Path

import yaml
from tests.api.manifests import a_pool, edited

from commonpool.api.catalogue import ACCELERATORS, RESOURCE_NAMES, find_accelerator
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

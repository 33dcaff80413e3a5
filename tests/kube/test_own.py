"""Our own kinds as tenants may write them: nothing that the apiserver takes ends the process."""

from typing import Any

import pytest
from tests.kube.objects import training_body

from commonpool.api.names import MOST_COUNTED
from commonpool.api.tenant import TenantUsage
from commonpool.kube.own import MOST_LEVELS, Own, read_own


def read_with(levels: int) -> Own[Any]:
    nested: dict[str, Any] = {}
    for _ in range(levels):
        nested = {"a": [nested]}
    body = training_body()
    body["spec"]["training"]["template"]["spec"]["affinity"] = nested
    return read_own("gpuworkloads", body).value


def test_a_template_as_deep_as_pods_are_is_read() -> None:
    assert read_with(5).parsed is not None


@pytest.mark.parametrize("levels", [MOST_LEVELS, 4000])
def test_a_template_without_a_bottom_is_refused_in_words(levels: int) -> None:
    own = read_with(levels)
    assert (own.parsed, own.problem) == (None, f"`spec` is nested more than {MOST_LEVELS} levels deep")


def test_more_than_a_status_can_say_is_told_as_its_bound() -> None:
    usage = TenantUsage(pool="h100", accelerators=8, waiting=2**63)
    assert (usage.accelerators, usage.waiting) == (8, MOST_COUNTED)

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.builders import make_pool
from tests.kube.objects import deployment_body, job_body

from commonpool.api import GPUWorkload
from commonpool.cli.absent import explain_absence
from commonpool.cli.explain import parse_workload
from commonpool.cli.story import render_story, tell
from commonpool.errors import UserError
from commonpool.kube.errors import Forbidden, NotFound
from commonpool.kube.resources import DEPLOYMENTS, JOBS, Resource

AT = 1_795_348_800
RUNNING: dict[str, Any] = {
    "apiVersion": "commonpool.dev/v1alpha1",
    "kind": "GPUWorkload",
    "metadata": {"name": "pretrain", "namespace": "vision-dev", "uid": "u-1"},
    "spec": {"accelerators": {"perReplica": 8}, "tracked": {"apiVersion": "batch/v1", "kind": "Job", "name": "pretrain", "uid": "u-2"}},
    "status": {
        "conditions": [
            {"type": "Succeeded", "status": "Unknown", "reason": "Running", "message": "", "lastTransitionTime": "2026-11-22T12:00:00Z"}
        ],
        "pool": "h100",
        "accelerators": 8,
        "acceleratorSeconds": 3600,
        "cost": {"amount": "2.00", "currency": "EUR"},
        "accountedAt": "2026-11-22T12:00:00Z",
        "spans": [{"since": "2026-11-22T12:00:00Z", "accelerators": 4, "pods": "5eed0000 5eed0001"}],
    },
}


def test_what_runs_has_used_and_cost_what_is_written_and_what_it_holds_since() -> None:
    pool = replace(make_pool(price_micro_per_hour=2_000_000), currency="EUR")
    told = tell(RUNNING, pool, AT + 1800)
    assert (told["acceleratorSeconds"], told["cost"]["currency"], told["accountedAt"]) == (3600 + 8 * 1800, "EUR", "2026-11-22T12:30:00Z")
    assert float(told["cost"]["amount"]) == 10
    story = render_story(GPUWorkload.model_validate(RUNNING), pool, AT + 1800)
    assert "5.00 accelerator-hours" in story
    assert f"{told['cost']['amount']} EUR" in story


def test_who_may_not_see_the_pool_reads_the_cost_that_is_written() -> None:
    told = tell(RUNNING, None, AT + 1800)
    assert (told["acceleratorSeconds"], told["cost"]) == (18_000, {"amount": "2.00", "currency": "EUR"})


def test_who_was_evicted_reads_when_by_which_rule_and_for_what() -> None:
    evicted = {"rule": "ReclaimedForGuarantee", "by": "work that its tenant's guarantee covers", "at": "2026-11-22T11:00:00Z"}
    told = GPUWorkload.model_validate({**RUNNING, "status": {**RUNNING["status"], "lastEviction": evicted}})
    line = "  last eviction:  2026-11-22T11:00:00Z (ReclaimedForGuarantee), for work that its tenant's guarantee covers"
    assert line in render_story(told, None, AT).splitlines()
    assert "last eviction" not in render_story(GPUWorkload.model_validate(RUNNING), None, AT)


@pytest.mark.parametrize(
    ("there", "says"),
    [
        ({JOBS: job_body("web", gpus=0)}, "Job `web` in namespace `vision-dev` asks for no accelerator"),
        ({DEPLOYMENTS: deployment_body("web", gpus=0)}, "Deployment `web` in namespace `vision-dev` asks for no accelerator"),
        ({JOBS: job_body("web", gpus=1)}, "there is no GPUWorkload `web` in namespace `vision-dev`"),
        ({}, "there is no GPUWorkload `web` in namespace `vision-dev`"),
    ],
)
async def test_what_asks_for_no_accelerator_is_told_so_instead_of_that_no_gpuworkload_stands_for_it(
    there: dict[Resource, Any], says: str
) -> None:
    async def get(resource: Resource, namespace: str, name: str) -> bytes:
        if resource not in there:
            raise Forbidden("no") if resource == DEPLOYMENTS else NotFound("no")
        assert (namespace, name) == ("vision-dev", "web")
        return json.dumps(there[resource]).encode()

    assert says in (await explain_absence(get, "vision-dev", "web")).message


@pytest.mark.parametrize(
    ("workload", "namespace", "found"),
    [
        ("pretrain", None, ("", "pretrain")),
        ("pretrain", "vision-dev", ("vision-dev", "pretrain")),
        ("vision-dev/pretrain", None, ("vision-dev", "pretrain")),
        ("vision-dev/pretrain", "vision-dev", ("vision-dev", "pretrain")),
    ],
)
def test_a_workload_is_named_alone_or_with_its_namespace(workload: str, namespace: str | None, found: tuple[str, str]) -> None:
    assert parse_workload(workload, namespace) == found


@pytest.mark.parametrize("workload", ["", "/pretrain", "vision-dev/", "a/vision-dev/pretrain"])
def test_what_is_no_name_is_refused(workload: str) -> None:
    with pytest.raises(UserError, match="is not the name of a workload"):
        parse_workload(workload, None)


def test_two_namespaces_are_one_too_many() -> None:
    with pytest.raises(UserError, match="`vision-dev/pretrain` is not in namespace `nlp-dev`"):
        parse_workload("vision-dev/pretrain", "nlp-dev")

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from commonpool.api import GPUPool, GPUQuota, GPUWorkload, Tenant

EXAMPLES = Path(__file__).parents[2] / "examples"
FILES = sorted(file for file in EXAMPLES.rglob("*.yaml") if file.name != "kustomization.yaml")
KINDS = {"GPUPool": GPUPool, "Tenant": Tenant, "GPUQuota": GPUQuota, "GPUWorkload": GPUWorkload}


def read_all() -> list[dict[str, Any]]:
    return [manifest for file in FILES for manifest in yaml.safe_load_all(file.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_an_example_begins_with_a_comment_that_says_its_idea(file: Path) -> None:
    assert file.read_text(encoding="utf-8").startswith("# ")


def test_every_example_of_ours_is_understood() -> None:
    for manifest in read_all():
        if manifest["kind"] in KINDS:
            KINDS[manifest["kind"]].model_validate(manifest)


def test_the_plain_job_knows_nothing_of_the_pool() -> None:
    assert "commonpool" not in "".join(
        line for line in (EXAMPLES / "plain-job.yaml").read_text(encoding="utf-8").splitlines() if not line.startswith("#")
    )


def test_the_examples_fit_together() -> None:
    objects = read_all()
    pools = {manifest["metadata"]["name"] for manifest in objects if manifest["kind"] == "GPUPool"}
    tenants = {manifest["metadata"]["name"]: Tenant.model_validate(manifest) for manifest in objects if manifest["kind"] == "Tenant"}
    namespaces = {name for tenant in tenants.values() for name in tenant.spec.namespaces or []}
    for manifest in objects:
        if manifest["kind"] == "GPUQuota":
            quota = GPUQuota.model_validate(manifest)
            assert quota.spec.tenant in tenants
            assert {line.pool for line in quota.spec.pools} <= pools
        elif manifest["kind"] in {"GPUWorkload", "Job"}:
            assert manifest["metadata"]["namespace"] in namespaces


def test_a_folder_with_a_program_becomes_the_program_and_the_work_that_runs_it() -> None:
    answer = subprocess.run(
        [Path(sys.executable).with_name("kubectl"), "kustomize", EXAMPLES / "elastic-pytorch"], capture_output=True, text=True, check=True
    )
    program, work = yaml.safe_load_all(answer.stdout)
    (command,) = (container["command"] for container in work["spec"]["training"]["template"]["spec"]["containers"])
    volumes = {volume["name"]: volume for volume in work["spec"]["training"]["template"]["spec"]["volumes"]}
    assert program["metadata"] == {"name": volumes["program"]["configMap"]["name"], "namespace": work["metadata"]["namespace"]}
    assert {Path(command[-1]).name, "train.py"} == set(program["data"])

"""The schemas that manifests are generated from: those of `crds/`, and the few fields of tenants' plain kinds that matter here.

The plain kinds take their pod template from the CRD too: it names what commonpool reads of a template.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

Schema = Mapping[str, Any]

CRDS = Path(__file__).parents[2] / "crds"
CLUSTER_KINDS = ("GPUPool", "Tenant", "GPUQuota")
PLAIN_KINDS = ("Job", "Deployment", "StatefulSet", "Pod")
API_VERSIONS = {"Job": "batch/v1", "Deployment": "apps/v1", "StatefulSet": "apps/v1", "Pod": "v1"}


@cache
def read_schemas() -> Mapping[str, Schema]:
    """The schema of `spec` by kind: the kinds that people write, then the plain ones."""
    schemas: dict[str, Schema] = {}
    for path in sorted(CRDS.glob("*.yaml")):
        crd = yaml.safe_load(path.read_text(encoding="utf-8"))["spec"]
        if crd["names"]["kind"] != "Round":
            schemas[crd["names"]["kind"]] = crd["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    template = schemas["GPUWorkload"]["properties"]["training"]["properties"]["template"]
    return schemas | _build_plain(template)


def _build_plain(template: Schema) -> dict[str, Schema]:
    few = {"type": "integer", "format": "int32", "minimum": 0, "maximum": 6}
    seconds = {"type": "integer", "format": "int32", "minimum": 0, "maximum": 2**31 - 1}
    flag = {"type": "boolean"}
    job = {
        "parallelism": few,
        "completions": few,
        "completionMode": {"type": "string", "enum": ["NonIndexed", "Indexed"]},
        "backoffLimit": few,
        "suspend": flag,
        "activeDeadlineSeconds": {**seconds, "minimum": 60},
        "ttlSecondsAfterFinished": seconds,
        "template": template,
    }
    deployment = {"replicas": few, "minReadySeconds": few, "paused": flag, "revisionHistoryLimit": few, "template": template}
    stateful = {"replicas": few, "podManagementPolicy": {"type": "string", "enum": ["OrderedReady", "Parallel"]}, "template": template}
    return {
        "Job": {"type": "object", "required": ["template"], "properties": job},
        "Deployment": {"type": "object", "required": ["template"], "properties": deployment},
        "StatefulSet": {"type": "object", "required": ["template"], "properties": stateful},
        "Pod": template["properties"]["spec"],
    }

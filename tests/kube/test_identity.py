import json
from pathlib import Path
from typing import Any

import pytest

from commonpool.kube.identity import find_child
from commonpool.kube.records import Metadata, Owner

CASES = json.loads((Path(__file__).parents[1] / "data" / "identity.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=[case["says"] for case in CASES])
def test_the_same_pods_lead_to_the_same_workloads_here_and_in_the_scheduler(case: dict[str, Any]) -> None:
    pod = case["pod"]
    owners = [
        Owner(api_version=owner["apiVersion"], kind=owner["kind"], name=owner["name"], controller=owner["controller"])
        for owner in pod.get("owners", ())
    ]
    key, rank = find_child(Metadata(name=pod["name"], namespace=pod["namespace"], labels=pod["labels"], owner_references=owners))
    assert {"kind": key.kind, "namespace": key.namespace, "name": key.name, "rank": rank} == case["want"]

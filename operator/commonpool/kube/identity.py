"""From a pod to the object whose place it takes (docs/architecture.md, From a pod to its workload).

The scheduler plugin has the same rule in Go; both are checked against `tests/data/identity.json`.
"""

import re

from commonpool.kube.records import Metadata
from commonpool.model.ids import ChildKey
from commonpool.model.names import JOB_INDEX_LABEL, STATEFULSET_INDEX_LABEL, TEMPLATE_HASH_LABEL

NO_RANK = -1

_NUMBER = re.compile(r"^\+?[0-9]{1,64}\Z")


def find_child(pod: Metadata) -> tuple[ChildKey, int]:
    """The pod's key and its rank, or NO_RANK."""
    labels = pod.labels or {}
    owner = pod.controller
    match (owner.api_version, owner.kind) if owner else None:
        case ("batch/v1", "Job") if owner:
            return ChildKey("Job", pod.namespace, owner.name), _rank(labels.get(JOB_INDEX_LABEL))
        case ("apps/v1", "ReplicaSet") if owner:
            ending = f"-{labels.get(TEMPLATE_HASH_LABEL, '')}"
            if len(ending) > 1 and owner.name.endswith(ending) and len(owner.name) > len(ending):
                return ChildKey("Deployment", pod.namespace, owner.name.removesuffix(ending)), NO_RANK
            return ChildKey("ReplicaSet", pod.namespace, owner.name), NO_RANK
        case ("apps/v1", "StatefulSet") if owner:
            return ChildKey("StatefulSet", pod.namespace, owner.name), _rank(labels.get(STATEFULSET_INDEX_LABEL))
        case _:
            return ChildKey("Pod", pod.namespace, pod.name), NO_RANK


def _rank(label: str | None) -> int:
    """A whole number from 0 that fits in 31 bits; anything else is no rank."""
    if label is None or _NUMBER.match(label) is None or int(label) >= 2**31:
        return NO_RANK
    return int(label)

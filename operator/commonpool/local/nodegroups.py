"""NodeGroups: what a cloud's node groups are elsewhere. A kind of the local control plane only, with a `scale` subresource."""

from commonpool.local.client import Client, Manifest
from commonpool.local.fleet import Fleet, NodeGroup
from commonpool.local.waiting import wait_until

LOCAL_GROUP = "local.commonpool.dev"
VERSION = "v1"
PLURAL = "nodegroups"
KIND = "NodeGroup"
COLLECTION = f"/apis/{LOCAL_GROUP}/{VERSION}/{PLURAL}"
_KINDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_PATIENCE_SECONDS = 30


def apply_groups(client: Client, fleet: Fleet) -> frozenset[str]:
    """Make a NodeGroup of each group that can be scaled, and give those that were there before: their nodes are not the file's any more."""
    scalable = [group for group in fleet.groups if group.most is not None]
    if not scalable:
        return frozenset()
    client.create(_KINDS, build_kind())
    wait_until(lambda: client.find(COLLECTION) is not None, "node groups are served", _PATIENCE_SECONDS)
    return frozenset(group.name for group in scalable if not client.create(COLLECTION, build_group(group)))


def build_group(group: NodeGroup) -> Manifest:
    """The object; `machines` reads all of the group from it."""
    spec = {"replicas": group.nodes, "group": group.model_dump(mode="json", by_alias=True)}
    return {"apiVersion": f"{LOCAL_GROUP}/{VERSION}", "kind": KIND, "metadata": {"name": group.name}, "spec": spec}


def build_kind() -> Manifest:
    """The CRD. A number of nodes that the group may not have is refused, as a cloud's quota would."""
    rule = {
        "rule": "self.replicas >= self.group.min && self.replicas <= self.group.max",
        "messageExpression": "'replicas `%d` is not between `%d` and `%d`: ask for fewer or more'"
        ".format([self.replicas, self.group.min, self.group.max])",
    }
    count = {"type": "integer", "minimum": 0, "maximum": 20_000}
    bounds = {"min": count, "max": count}
    group = {"type": "object", "required": ["min", "max"], "properties": bounds, "x-kubernetes-preserve-unknown-fields": True}
    spec = {
        "type": "object",
        "required": ["replicas", "group"],
        "properties": {"replicas": count, "group": group},
        "x-kubernetes-validations": [rule],
    }
    status = {"type": "object", "properties": {"replicas": count}}
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "required": ["spec"], "properties": {"spec": spec, "status": status}}},
        "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}},
        "additionalPrinterColumns": [
            {"name": "Wanted", "type": "integer", "jsonPath": ".spec.replicas"},
            {"name": "Nodes", "type": "integer", "jsonPath": ".status.replicas"},
        ],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{LOCAL_GROUP}"},
        "spec": {
            "group": LOCAL_GROUP,
            "scope": "Cluster",
            "names": {"kind": KIND, "listKind": f"{KIND}List", "plural": PLURAL, "singular": "nodegroup", "shortNames": ["ng"]},
            "versions": [version],
        },
    }

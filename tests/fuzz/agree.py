"""Makes the fields of a drawn object agree with each other, as the CEL rules of its kind ask; what a schema alone says holds already."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from commonpool.api.catalogue import RESOURCE_NAMES, find_accelerator
from commonpool.local.client import Manifest

WAYS = ("training", "inference", "hpc")


def agree(manifest: Manifest, random: Random) -> None:
    """Change the manifest so that the apiserver has nothing against it; in one of several possible ways."""
    _AGREE[manifest["kind"]](manifest, random)


def _agree_pool(manifest: Manifest, random: Random) -> None:
    spec = manifest["spec"]
    if "deviceClassName" in spec:
        spec.pop("resourceName", None)
    elif find_accelerator(spec["model"]) is None:
        spec["resourceName"] = random.choice(RESOURCE_NAMES)
    nodes = spec["nodes"]
    if not nodes.get("matchLabels"):
        nodes["matchLabels"] = {"example.com/gpu": "none"}
    for expression in nodes.get("matchExpressions", ()):
        if expression["operator"] in {"In", "NotIn"}:
            expression["values"] = expression.get("values") or ["none"]
        else:
            expression.pop("values", None)
    if "topology" in spec:
        spec["topology"] = list(dict.fromkeys(spec["topology"]))
    scaling = spec.get("scaling", {})
    _order(scaling, "minNodes", "maxNodes")
    if "node" in scaling:
        scaling["node"] |= {"cpu": "64", "memory": "1Ti"}


def _agree_tenant(manifest: Manifest, random: Random) -> None:
    spec, name = manifest["spec"], manifest["metadata"]["name"]
    if spec.get("parent") == name:
        del spec["parent"]
    for member in spec.get("members", ()):
        if member["name"].startswith("system:"):
            member["kind"] = "User"
        if member["kind"] == "ServiceAccount":
            member |= {"name": "ci", "namespace": random.choice(("default", "alice-dev"))}
        else:
            member.pop("namespace", None)
    if "members" in spec:
        spec["members"] = list({(member["kind"], member["name"]): member for member in spec["members"]}.values())


def _agree_quota(manifest: Manifest, random: Random) -> None:
    spec, seen = manifest["spec"], set[str]()
    spec["tenant"] = manifest["metadata"]["name"]
    lines = []
    for line in spec["pools"]:
        if "pool" in line or not line.get("pools"):
            line.pop("pools", None)
            line.setdefault("pool", random.choice(("h100", "nowhere")))
            if line["pool"] in seen:
                continue
            seen.add(line["pool"])
        _order(line, "guaranteed", "limit")
        _order(line, "lendable", "guaranteed", otherwise=0)
        _order(line, "borrowable", "limit")
        lines.append(line)
    spec["pools"] = lines


def _agree_workload(manifest: Manifest, random: Random) -> None:
    spec, name = manifest["spec"], manifest["metadata"]["name"]
    spec.pop("tracked", None)
    ways = [way for way in WAYS if way in spec]
    for way in ways[1:]:
        del spec[way]
    if "anyOf" in spec["accelerators"]:
        spec["accelerators"]["anyOf"] = list(_agree_choices(spec["accelerators"]["anyOf"], random))
    way = ways[0]
    part = spec[way]
    replicas = part.get("replicas", {})
    _order(replicas, "min", "max")
    if "step" in replicas:
        replicas["step"] = 1
    if part.get("target", {}).get("perReplica") == "0":
        part["target"]["perReplica"] = "10"
    if "placement" in spec:
        _agree_placement(spec["placement"], way, part)
    if "after" in part:
        part["after"] = [other for other in part["after"] if other != name]
    part["template"].pop("metadata", None) if random.random() < 0.5 else None
    _agree_pod(part["template"]["spec"], random)
    if part["template"]["spec"].get("restartPolicy") not in {None, "Always" if way == "inference" else "Never"}:
        del part["template"]["spec"]["restartPolicy"]


def _agree_choices(choices: list[Manifest], random: Random) -> Iterator[Manifest]:
    """Each pool once, and of none its memory as well."""
    pools = ["h100", "a100", "nowhere"]
    random.shuffle(pools)
    for choice in choices:
        if "pool" in choice or not choice.keys() & {"memory", "precision"}:
            if not pools:
                continue
            choice.pop("memory", None)
            choice["pool"] = pools.pop()
        yield choice


def _agree_placement(placement: Manifest, way: str, part: Manifest) -> None:
    """Whole segments, of what has ranks; spread is what keeps its size, and what need not be in one place."""
    if way == "inference":
        placement.pop("segment", None)
    if "spread" in placement and placement.get("required") == placement["spread"]["level"]:
        del placement["required"]
    if not placement:
        placement["preferred"] = "topology.commonpool.dev/rack"
    size = placement.get("segment", {}).get("size", 1)
    if "nodes" in part:
        part["nodes"] = max(1, part["nodes"] // size) * size
    if way != "training":
        return
    replicas = part["replicas"]
    least = max(1, replicas["min"] // size) * size
    most = least if "spread" in placement else max(least, replicas["max"] // size * size)
    replicas |= {"min": least, "max": most} | ({"step": size} if size > 1 or "step" in replicas else {})


def _agree_job(manifest: Manifest, random: Random) -> None:
    spec = manifest["spec"]
    if spec.get("completionMode") == "Indexed":
        spec.setdefault("completions", 2)
    _agree_template(spec["template"], random, restart=("Never", "OnFailure"))


def _agree_apps(manifest: Manifest, random: Random) -> None:
    spec = manifest["spec"]
    _agree_template(spec["template"], random, restart=("Always",))
    spec["template"].setdefault("metadata", {}).setdefault("labels", {})["app"] = "it"
    spec["selector"] = {"matchLabels": {"app": "it"}}
    if manifest["kind"] == "StatefulSet":
        spec["serviceName"] = "it"


def _agree_bare_pod(manifest: Manifest, random: Random) -> None:
    _agree_template({"spec": manifest["spec"]}, random, restart=("Never", "Always", "OnFailure"))


def _agree_template(template: Manifest, random: Random, restart: tuple[str, ...]) -> None:
    """A template that Kubernetes itself must like, and that mostly asks for an accelerator."""
    spec = template["spec"]
    _agree_pod(spec, random)
    spec["restartPolicy"] = random.choice(restart)
    spec.pop("schedulerName", None)
    if random.random() < 0.85:
        limits = spec["containers"][0].setdefault("resources", {}).setdefault("limits", {})
        limits[random.choice(("nvidia.com/gpu", "nvidia.com/gpu", "amd.com/gpu"))] = random.choice((1, "1", 8, "16"))


def _agree_pod(spec: Manifest, random: Random) -> None:
    names = set[str]()
    for field in ("containers", "initContainers"):
        for number, container in enumerate(spec.get(field, ())):
            if container["name"] in names or not container["name"].isascii() or ":" in container["name"]:
                container["name"] = f"{field[0]}{number}"
            names.add(container["name"])
            container["image"] = container.get("image") or "registry.example/main:1"
            _agree_resources(container.get("resources", {}), random)
    for toleration in spec.get("tolerations", ()):
        _agree_toleration(toleration, random)
    spec.pop("nodeName", None)
    if spec.get("schedulerName") not in {"", "commonpool"}:
        spec.pop("schedulerName", None)
    if "volumes" in spec:
        spec["volumes"] = [volume for volume in {volume.get("name"): volume for volume in spec["volumes"]}.values() if volume]


def _agree_resources(resources: Manifest, random: Random) -> None:
    """Amounts that a node could have, and not more requested than allowed."""
    for amounts in (resources.get("requests", {}), resources.get("limits", {})):
        for name in amounts:
            amounts[name] = random.choice((1, "500m", "4", "1.5") if name == "cpu" else ("1Gi", "80Gi", 2_000_000, "1e9"))
    if resources.get("limits") and resources.get("requests"):
        resources["requests"] = {name: amount for name, amount in resources["limits"].items() if name in resources["requests"]}


def _agree_toleration(toleration: Manifest, random: Random) -> None:
    toleration.clear()
    toleration |= random.choice(
        (
            {"key": "example.com/spare", "operator": "Exists"},
            {"key": "example.com/spare", "operator": "Equal", "value": "a", "effect": "NoSchedule"},
            {"operator": "Exists", "effect": "NoExecute"},
        )
    )


def _order(part: dict[str, Any], low: str, high: str, otherwise: int | None = None) -> None:
    """Keep `low` within `high`; `otherwise`: what `high` is if nothing is said."""
    most = part.get(high, otherwise)
    if low in part and most is not None:
        part[low] = min(part[low], most)


_AGREE: dict[str, Callable[[Manifest, Random], None]] = {
    "GPUPool": _agree_pool,
    "Tenant": _agree_tenant,
    "GPUQuota": _agree_quota,
    "GPUWorkload": _agree_workload,
    "Job": _agree_job,
    "Deployment": _agree_apps,
    "StatefulSet": _agree_apps,
    "Pod": _agree_bare_pod,
}

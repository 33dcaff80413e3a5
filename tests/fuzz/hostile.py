"""Ways to make a whole manifest strange: its name, labels, annotations, owners, and what it says beside or against its spec."""

from collections.abc import Callable
from random import Random
from typing import Any

from tests.fuzz.spoil import HOSTILE_TEXTS

from commonpool.local.client import Manifest

FINALIZER = "example.com/mine"
OURS = ("commonpool.dev/tenant", "commonpool.dev/held", "commonpool.dev/tier", "commonpool.dev/listed-by", "commonpool.dev/pool")
KEYS = (
    *OURS,
    "commonpool.dev/min-runtime-seconds",
    "commonpool.dev/placement-required",
    "commonpool.dev/checkpointed-at",
    "commonpool.dev/resize",
    "commonpool.dev/released",
    "kopf.zalando.org/last-handled-configuration",
    "kubectl.kubernetes.io/last-applied-configuration",
    "pod-template-hash",
    "batch.kubernetes.io/job-completion-index",
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/job-name",
)
VALUES = ("true", "false", "Guaranteed", "9" * 400, "-1", "{}", '{"replicas": -1, "at": "never"}', "2027-01-01T00:00:00Z", *HOSTILE_TEXTS)
WAYS = ("training", "inference", "hpc", "tracked")


def _strange_name(manifest: Manifest, random: Random) -> None:
    plain = manifest["metadata"]["name"]
    long = (plain + "-x" * 20, plain + "-x" * 29, plain + "x" * 240, plain + "x" * 260)
    name = random.choice(
        (
            *long,
            plain.upper(),
            f"{plain}.b",
            f"{plain}_b",
            f"{plain}-",
            f"0{plain}" if plain[0] != "z" else "z0",
            "",
            None,
            7,
            *HOSTILE_TEXTS[:8],
        )
    )
    manifest["metadata"]["name"] = name
    if name == "" and random.random() < 0.5:
        manifest["metadata"] = {**manifest["metadata"], "generateName": f"{plain}-"}
        del manifest["metadata"]["name"]


def _strange_labels(manifest: Manifest, random: Random) -> None:
    manifest["metadata"]["labels"] = {random.choice(KEYS): random.choice(VALUES) for _ in range(3)}


def _strange_annotations(manifest: Manifest, random: Random) -> None:
    notes: dict[str, Any] = {random.choice(KEYS): random.choice(VALUES) for _ in range(4)}
    if random.random() < 0.1:
        notes["example.com/novel"] = "long " * random.choice((20_000, 60_000))
    manifest["metadata"]["annotations"] = notes


def _strange_template(manifest: Manifest, random: Random) -> None:
    """Labels and annotations of the pods."""
    template = _find_template(manifest)
    metadata = manifest["metadata"] if template is None else template.setdefault("metadata", {})
    field = random.choice(("labels", "annotations"))
    metadata.setdefault(field, {})[random.choice(KEYS)] = random.choice(VALUES)


def _around_the_pool(manifest: Manifest, random: Random) -> None:
    """What a pod may not say, or says twice."""
    template = {"spec": manifest["spec"]} if manifest["kind"] == "Pod" else _find_template(manifest)
    if template is None:
        return
    spec = template["spec"]
    container = spec["containers"][0]
    limits = container.setdefault("resources", {}).setdefault("limits", {})
    way = random.randrange(9)
    if way == 0:
        spec["nodeName"] = "h100-0001"
    elif way == 1:
        spec["schedulerName"] = random.choice(("default-scheduler", "mine", "commonpool"))
    elif way == 2:
        spec["tolerations"] = [random.choice(({"operator": "Exists"}, {"key": "commonpool.dev/pool", "operator": "Exists"}))]
    elif way == 3:
        spec["resourceClaims"] = [{"name": "mine", "resourceClaimName": "mine"}]
    elif way == 4:
        limits["deviceclass.resource.kubernetes.io/gpu"] = "1"
    elif way == 5:
        limits[random.choice(("nvidia.com/gpu", "amd.com/gpu", "example.com/fpga"))] = random.choice(("0", "1", "-1", "1" * 20, "0.5"))
    elif way == 6:
        spec["priorityClassName"] = random.choice(("system-node-critical", "never-made"))
    elif way == 7:
        spec["topologySpreadConstraints"] = [{"maxSkew": 1, "topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}]
    else:
        spec["affinity"] = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "kubernetes.io/hostname"}]}}


def _another_way_too(manifest: Manifest, random: Random) -> None:
    """Two things at once, or none."""
    spec = manifest["spec"]
    if manifest["kind"] == "GPUWorkload":
        way = next(way for way in WAYS if way in spec)
        part = spec.pop(way) if random.random() < 0.5 else spec[way]
        if random.random() < 0.7:
            spec[random.choice([each for each in WAYS if each != way])] = part
    elif manifest["kind"] == "GPUPool":
        spec |= {"resourceName": "nvidia.com/gpu", "deviceClassName": "gpu.example.com"}
    else:
        manifest["spec"] = random.choice(({}, None, [], "spec"))


def _round_in_a_circle(manifest: Manifest, random: Random) -> None:
    """It names itself where another is meant."""
    name, spec = manifest["metadata"]["name"], manifest["spec"]
    if manifest["kind"] == "Tenant":
        spec["parent"] = name
    elif "hpc" in spec:
        spec["hpc"]["after"] = [name]
    else:
        _owned(manifest, random)


def _owned(manifest: Manifest, random: Random) -> None:
    """By somebody who does not exist, or not as it is said: the garbage collector takes what nobody owns."""
    owners = (("Job", "batch/v1"), ("GPUWorkload", "commonpool.dev/v1alpha1"), ("ReplicaSet", "apps/v1"), ("Pod", "v1"))
    kind, version = random.choice(owners)
    manifest["metadata"]["ownerReferences"] = [
        {"apiVersion": version, "kind": kind, "name": manifest["metadata"]["name"], "uid": "0-0-0", "controller": random.random() < 0.7}
    ]


def _kept_by_a_finalizer(manifest: Manifest, random: Random) -> None:
    manifest["metadata"]["finalizers"] = [random.choice((FINALIZER, FINALIZER, "kopf.zalando.org/KopfFinalizerMarker", "no slash"))]


def _says_its_status(manifest: Manifest, random: Random) -> None:
    """Forged, or nonsense: the status is a subresource."""
    condition = {"type": "Succeeded", "status": "True", "reason": "Completed", "message": "", "lastTransitionTime": "2020-01-01T00:00:00Z"}
    manifest["status"] = random.choice(({"conditions": [condition]}, {"kopf": {"last": "x"}}, {"pool": 7}, "done", []))


def _another_kind(manifest: Manifest, random: Random) -> None:
    field, value = random.choice((("kind", ""), ("apiVersion", "commonpool.dev/v1"), ("apiVersion", None), ("metadata", None)))
    manifest[field] = value


def _find_template(manifest: Manifest) -> Manifest | None:
    spec = manifest["spec"]
    for part in (spec, *(spec[way] for way in WAYS if way in spec)):
        if "template" in part:
            template: Manifest = part["template"]
            return template
    return None


WHOLE: dict[str, Callable[[Manifest, Random], None]] = {
    "a strange name": _strange_name,
    "strange labels": _strange_labels,
    "strange annotations": _strange_annotations,
    "a strange template": _strange_template,
    "around the pool": _around_the_pool,
    "another way too": _another_way_too,
    "round in a circle": _round_in_a_circle,
    "owned": _owned,
    "kept by a finalizer": _kept_by_a_finalizer,
    "says its status": _says_its_status,
    "another kind": _another_kind,
}

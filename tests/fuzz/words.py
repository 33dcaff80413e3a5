"""What real manifests say in a field of that name: what exists, what does not, and what an administrator or a tenant might try."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Words = Mapping[str, Sequence[object]]

ACCELERATORS = ("nvidia.com/gpu", "nvidia.com/gpu", "amd.com/gpu", "huawei.com/Ascend910", "nvidia.com/mig-1g.10gb")
QUANTITIES = ("1", 2, "500m", "1Gi", "80Gi", "0", "1e3", "1.5", "16Ti", "2Pi", "100k", "0.1")
AMOUNTS = ("0", "2.40", "10000", "0.000001", "999999999999.999999")
INSTANTS = (
    "2020-01-01T00:00:00Z",
    "2027-01-01T06:00:00Z",
    "2027-01-01T06:00:00.123456789Z",
    "2027-06-01T06:00:00+14:00",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00Z",
)
LEVELS = ("topology.commonpool.dev/block", "topology.commonpool.dev/rack", "kubernetes.io/hostname", "example.com/zone")


@dataclass(frozen=True, slots=True)
class Town:
    """The names that manifests may refer to; by default those of a cluster that does not exist."""

    namespaces: tuple[str, ...] = ("alice-dev", "bob-dev")
    """Of tenants, one a user."""
    nobody: str = "nobody"
    """A namespace that belongs to no tenant."""
    tenants: tuple[str, ...] = ("alice", "bob")
    pools: tuple[str, ...] = ("h100", "a100")
    spare: tuple[str, ...] = ("fuzz-a", "fuzz-b", "fuzz-c", "fuzz-d")
    """Namespaces that generated tenants may ask for, all of them the same few."""
    others: tuple[str, ...] = field(default=())
    """Names of the objects that were generated just before this one, of the same kind."""


def build_words(town: Town) -> Words:
    """By the name of a field, or of a map whose keys are meant."""
    return {
        "model": ("H100-SXM-80GB", "A100-SXM-80GB", "MI300X-OAM-192GB", "L4-PCIe-24GB", "Quantum-9000"),
        "vendor": ("nvidia", "amd", "acme"),
        "resourceName": ACCELERATORS,
        "currency": ("EUR", "USD", "JPY"),
        "amount": AMOUNTS,
        "perHour": AMOUNTS,
        "pool": (*town.pools, "nowhere", *town.others),
        "pools": (*town.pools, "nowhere", *town.others),
        "tenant": (*town.others, "nobody-knows-him"),
        "parent": (*town.tenants, *town.others, *town.others, "nobody-knows-him"),
        "after": (*town.others, "never-made"),
        "namespaces": (*town.spare, *town.spare, *town.namespaces),
        "namespace": (*town.namespaces, "default"),
        "priorityClassName": ("high", "system-node-critical", "never-made"),
        "priorityClasses": ("high", "low", "system-node-critical"),
        "topology": LEVELS,
        "required": LEVELS,
        "preferred": LEVELS,
        "nodes": ("16", "cpu", "memory", "nvidia.com/gpu"),
        "name": ("vision-team", "alice", "main", "system:serviceaccount:default:ci", "日本語"),
        "image": ("registry.example/main:1", "x", "registry.example/main@sha256:" + "0" * 64),
        "restartPolicy": ("Never", "OnFailure", "Always"),
        "schedulerName": ("", "commonpool"),
        "nodeName": ("",),
        "serviceAccountName": ("default", "never-made"),
        "operator": ("Exists", "Equal"),
        "effect": ("NoSchedule", "PreferNoSchedule", "NoExecute"),
        "metric": ("requestsPerSecond", "tokensPerSecond", "nobodyCountsThis"),
        "apiVersion": ("local.commonpool.dev/v1", "karpenter.sh/v1", "v1", "example.com/v1"),
        "kind": ("NodeGroup", "NodePool", "Node", "NoSuchKind"),
        # keys of maps
        "speed.keys": ("fp64", "tf32", "bf16", "fp8"),
        "matchLabels.keys": ("example.com/gpu", "kubernetes.io/hostname", "nvidia.com/gpu.product"),
        "nodeSelector.keys": ("kubernetes.io/hostname", "topology.commonpool.dev/rack", "example.com/gpu"),
        "node.keys": ("cpu", "memory", "nvidia.com/gpu", "pods"),
        "requests.keys": ("cpu", "memory", "ephemeral-storage"),
        "limits.keys": ("cpu", "memory", "ephemeral-storage"),
        "labels.keys": ("app", "team", "example.com/a"),
        "annotations.keys": ("note", "example.com/b", "commonpool.dev/fake-runtime"),
        # values of maps
        "matchLabels.values": ("h100-0001", "a100-0001", "NVIDIA-H100-80GB-HBM3", "none"),
        "nodeSelector.values": ("h100-0001", "a100-0002", "none", ""),
        "annotations.values": ("1s", "30s", "ein Satz mit Ümläuten 🚀", ""),
        # what a schema keeps without knowing it
        "affinity": (
            {},
            {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
            {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "kubernetes.io/hostname"}]}},
        ),
        "volumes": ({"name": "scratch", "emptyDir": {}}, {"name": "data", "persistentVolumeClaim": {"claimName": "never-made"}}),
    }

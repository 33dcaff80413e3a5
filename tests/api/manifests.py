"""Small correct manifests, and a way to spoil them at one place."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

Manifest = dict[str, Any]

ABSENT: Any = object()
"""As a value: the field is taken away."""


def edited(manifest: Manifest, **changes: Any) -> Manifest:  # noqa: ANN401 -- values of manifests
    """Copy a manifest with fields of its spec changed; `__` in a name steps into objects, and numbers step into lists."""
    copy = deepcopy(manifest)
    for path, value in changes.items():
        *steps, last = [int(step) if step.isdigit() else step for step in path.split("__")]
        node: Any = copy["spec"]
        for step in steps:
            node = node[step] if isinstance(step, int) else node.setdefault(step, {})
        if value is ABSENT:
            del node[last]
        else:
            node[last] = value
    return copy


def named(manifest: Manifest, name: str) -> Manifest:
    copy = deepcopy(manifest)
    copy["metadata"]["name"] = name
    return copy


def _manifest(kind: str, name: str, spec: Manifest) -> Manifest:
    return {"apiVersion": "commonpool.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def a_template() -> Manifest:
    return {
        "spec": {
            "containers": [{"name": "main", "image": "example.invalid/main:1", "resources": {"requests": {"cpu": "4", "memory": "8Gi"}}}]
        }
    }


def a_pool() -> Manifest:
    return _manifest("GPUPool", "h100", {"vendor": "nvidia", "model": "H100-SXM-80GB", "nodes": {"matchLabels": {"gpu": "h100"}}})


def a_tenant() -> Manifest:
    return _manifest("Tenant", "vision", {"namespaces": ["vision-dev", "vision-prod"]})


def a_quota() -> Manifest:
    return _manifest("GPUQuota", "vision", {"tenant": "vision", "pools": [{"pool": "h100", "guaranteed": 32, "limit": 64}]})


def _workload(name: str, **way: Manifest) -> Manifest:
    manifest = _manifest("GPUWorkload", name, {"accelerators": {"perReplica": 8, "anyOf": [{"pool": "h100"}]}, **way})
    manifest["metadata"]["namespace"] = "default"
    return manifest


def a_training() -> Manifest:
    return _workload("pretrain", training={"replicas": {"min": 4, "max": 8, "step": 2}, "template": a_template()})


def an_inference() -> Manifest:
    return _workload("chat", inference={"replicas": {"min": 1, "max": 4}, "template": a_template()})


def an_hpc() -> Manifest:
    return _workload("weather", hpc={"nodes": 4, "walltimeSeconds": 3600, "template": a_template()})


def a_tracked() -> Manifest:
    return _workload("finetune", tracked={"apiVersion": "batch/v1", "kind": "Job", "name": "finetune", "uid": "0"})


def a_round() -> Manifest:
    gang = {
        "workload": "vision-dev/pretrain",
        "kind": "Job",
        "tenant": "vision",
        "pool": "h100",
        "nodes": "gpu-0001*1 gpu-0002*2",
        "ranks": "0-2",
        "request": "cpu=8000m,memory=17179869184,nvidia.com/gpu=8",
        "why": "WithinGuarantee",
    }
    return _manifest("Round", "r-0000000123-1", {"epoch": 7, "number": 123, "part": 1, "parts": 1, "gangs": [gang]})


CORRECT: tuple[Callable[[], Manifest], ...] = (a_pool, a_tenant, a_quota, a_training, an_inference, an_hpc, a_tracked, a_round)

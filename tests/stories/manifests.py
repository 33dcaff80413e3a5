"""Manifests as tenants write them, as short as a test can say them."""

from commonpool.local.client import Manifest

GPU: Manifest = {"nvidia.com/gpu": "1"}
WAYS = frozenset({"training", "inference", "hpc", "tracked"})
POOL_TOLERATION: Manifest = {"key": "commonpool.dev/pool", "operator": "Exists", "effect": "NoSchedule"}


def make_pod_spec(limits: Manifest | None = None, **more: object) -> Manifest:
    container: Manifest = {"name": "main", "image": "registry.example/main:1"}
    if limits:
        container["resources"] = {"limits": limits}
    return {"containers": [container], **more}


def make_pod(limits: Manifest | None = None, *, labels: Manifest | None = None, name: str = "it", **more: object) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, **({"labels": labels} if labels else {})},
        "spec": make_pod_spec(limits, **more),
    }


def make_template(limits: Manifest | None = None, *, labels: Manifest | None = None, **more: object) -> Manifest:
    return {"metadata": {"labels": labels or {"app": "it"}}, "spec": make_pod_spec(limits, **more)}


def make_job(
    limits: Manifest | None = None, *, name: str = "it", labels: Manifest | None = None, suspend: bool | None = None, **more: object
) -> Manifest:
    spec: Manifest = {"template": make_template(limits, labels=labels, restartPolicy="Never", **more)}
    if suspend is not None:
        spec["suspend"] = suspend
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}


def make_cron_job(limits: Manifest | None = None, *, labels: Manifest | None = None, **more: object) -> Manifest:
    job: Manifest = {"template": make_template(limits, labels=labels, restartPolicy="Never", **more)}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "it"},
        "spec": {"schedule": "@daily", "jobTemplate": {"spec": job}},
    }


def make_apps(kind: str, limits: Manifest | None = None, *, name: str = "it", labels: Manifest | None = None, **more: object) -> Manifest:
    template = make_template(limits, labels={"app": "it", **(labels or {})}, **more)
    spec: Manifest = {"selector": {"matchLabels": {"app": "it"}}, "template": template}
    if kind == "StatefulSet":
        spec["serviceName"] = "it"
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def make_gpu_workload(**more: object) -> Manifest:
    training = {"replicas": {"min": 1, "max": 1}, "template": {"spec": make_pod_spec()}}
    return {
        "apiVersion": "commonpool.dev/v1alpha1",
        "kind": "GPUWorkload",
        "metadata": {"name": "it"},
        "spec": {"accelerators": {"perReplica": 1}, **({} if WAYS & more.keys() else {"training": training}), **more},
    }


def _make_work(name: str, way: str, size: Manifest, *, gpus: int, runtime: str, pool: str, more: Manifest) -> Manifest:
    container: Manifest = {"name": "main", "image": "registry.example/main:1", "resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}
    annotations = {"commonpool.dev/fake-runtime": runtime} if runtime else {}
    template = {"metadata": {"annotations": annotations}, "spec": {"containers": [container]}}
    asks = {"accelerators": {"perReplica": gpus, "anyOf": [{"pool": pool}]}}
    return make_gpu_workload(**asks, **{way: {**size, "template": template}}, **more) | {"metadata": {"name": name}}


def make_training(name: str, *, pods: int, gpus: int = 8, runtime: str = "", pool: str = "h100", **more: object) -> Manifest:
    """A gang; `runtime` ("2s"): how long its pods run, for ever if none."""
    return _make_work(name, "training", {"replicas": pods}, gpus=gpus, runtime=runtime, pool=pool, more=more)


def make_inference(name: str, *, pods: int, gpus: int = 1, pool: str = "h100", **more: object) -> Manifest:
    return _make_work(name, "inference", {"replicas": pods}, gpus=gpus, runtime="", pool=pool, more=more)


def make_hpc(name: str, *, nodes: int, gpus: int = 8, runtime: str = "", pool: str = "h100", **more: object) -> Manifest:
    return _make_work(name, "hpc", {"nodes": nodes, "walltimeSeconds": 3600}, gpus=gpus, runtime=runtime, pool=pool, more=more)


def make_round(epoch: int, number: int = 9_999_999_999) -> Manifest:
    gang = {
        "workload": "a/b",
        "kind": "Job",
        "tenant": "a",
        "pool": "h100",
        "nodes": "gpu-0001*1",
        "request": "nvidia.com/gpu=1",
        "why": "WithinGuarantee",
    }
    return {
        "apiVersion": "commonpool.dev/v1alpha1",
        "kind": "Round",
        "metadata": {"name": f"r-{number:010d}-0"},
        "spec": {"epoch": epoch, "number": number, "part": 0, "parts": 1, "gangs": [gang]},
    }

"""Work that really runs, as a tenant writes it: Python in the image that every real node has."""

from commonpool.local.client import Manifest
from commonpool.local.real.images import PYTHON

SLEEPER = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); signal.pause()"


def make_container(code: str, *, gpus: int = 0, image: str = PYTHON) -> Manifest:
    container: Manifest = {"name": "main", "image": image, "command": ["python3", "-c", code]}
    return container | ({"resources": {"limits": {"nvidia.com/gpu": str(gpus)}}} if gpus else {})


def make_job(name: str, code: str, *, gpus: int = 1) -> Manifest:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"restartPolicy": "Never", "containers": [make_container(code, gpus=gpus)]}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"template": template}}


def make_service(name: str, **more: object) -> Manifest:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"selector": {"app": name}, **more}}


def make_training(name: str, code: str, *, gpus: int, least: int, most: int) -> Manifest:
    """Its grace is time enough for a kubelet that was killed to come back and tell rank 0."""
    training = {
        "replicas": {"min": least, "max": most} if least < most else most,
        "checkpoint": {"intervalSeconds": 600, "graceSeconds": 60},
        "template": {"spec": {"containers": [make_container(code)]}},
    }
    spec = {"accelerators": {"perReplica": gpus, "anyOf": [{"pool": "real"}]}, "training": training}
    return {"apiVersion": "commonpool.dev/v1alpha1", "kind": "GPUWorkload", "metadata": {"name": name}, "spec": spec}


def make_hpc(name: str, code: str, *, nodes: int, gpus: int, walltime_seconds: int = 3600, image: str = PYTHON) -> Manifest:
    hpc = {"nodes": nodes, "walltimeSeconds": walltime_seconds, "template": {"spec": {"containers": [make_container(code, image=image)]}}}
    spec = {"accelerators": {"perReplica": gpus, "anyOf": [{"pool": "real"}]}, "hpc": hpc}
    return {"apiVersion": "commonpool.dev/v1alpha1", "kind": "GPUWorkload", "metadata": {"name": name}, "spec": spec}

"""Inference: a Deployment, and a Service of the same name in front of it."""

from commonpool.api import GPUWorkload
from commonpool.api.inference import Inference
from commonpool.kube.children.parts import Manifest, build_labels, build_metadata, build_template
from commonpool.model.snapshot import Pool


def build_inference(workload: GPUWorkload, inference: Inference, pool: Pool, count: int) -> list[Manifest]:
    """A service of `count` pods; a new version takes the places of the old one, because no others were promised."""
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": build_metadata(workload),
        "spec": {
            "selector": build_labels(workload),
            "ports": [{"name": "http", "port": inference.port, "targetPort": inference.port, "protocol": "TCP"}],
        },
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": build_metadata(workload),
        "spec": {
            "replicas": count,
            "selector": {"matchLabels": build_labels(workload)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": "25%"}},
            "template": build_template(workload, inference.template, pool, []),
        },
    }
    return [service, deployment]

"""Inference: a Deployment, a Service of its name in front of it, and a budget: nobody evicts its pods before others stand in for them."""

import hashlib
import json

from commonpool.api import GPUWorkload
from commonpool.api.inference import Inference
from commonpool.kube.children.parts import Manifest, build_labels, build_metadata, build_template
from commonpool.model.names import REPLICAS_ANNOTATION, TEMPLATE_ANNOTATION
from commonpool.model.snapshot import Pool

SURGE_SHARE = 4
"""One more pod for so many, and one at least, while pods are replaced."""


def build_inference(workload: GPUWorkload, inference: Inference, pool: Pool, count: int) -> list[Manifest]:
    """A service of `count` pods; a pod that replaces another comes first, as one more that quota must allow."""
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": build_metadata(workload),
        "spec": {
            "selector": build_labels(workload),
            "ports": [{"name": "http", "port": inference.port, "targetPort": inference.port, "protocol": "TCP"}],
        },
    }
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": build_metadata(workload),
        "spec": {
            "maxUnavailable": 0,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": build_labels(workload)},
        },
    }
    metadata = build_metadata(workload)
    version = build_version(workload, inference, pool)
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {**metadata, "annotations": {**version["metadata"]["annotations"], REPLICAS_ANNOTATION: str(count)}},
        "spec": {"replicas": count, "selector": {"matchLabels": build_labels(workload)}, **version["spec"]},
    }
    return [service, budget, deployment]


def build_version(workload: GPUWorkload, inference: Inference, pool: Pool) -> Manifest:
    """What of the Deployment changes when its owner has changed what the pods are: the new ones come first again."""
    return {
        "metadata": {"annotations": {TEMPLATE_ANNOTATION: digest_template(workload, inference)}},
        "spec": {"strategy": build_strategy(surges=True), "template": build_template(workload, inference.template, pool, [])},
    }


def build_strategy(*, surges: bool) -> Manifest:
    """How a new version comes: `surges`: a new pod is ready before an old one goes; else one goes, and a new one takes its place."""
    rolling = {"maxSurge": f"{100 // SURGE_SHARE}%", "maxUnavailable": 0} if surges else {"maxSurge": 0, "maxUnavailable": 1}
    return {"type": "RollingUpdate", "rollingUpdate": rolling}


def count_surge(pods: int) -> int:
    """How many pods more than `pods` there may be while some are replaced, as a Deployment rounds its share."""
    return max(1, -(-pods // SURGE_SHARE))


def digest_template(workload: GPUWorkload, inference: Inference) -> str:
    """Tells versions apart by what their owner wrote, so that a new release of the operator starts no pod anew."""
    spec = workload.spec
    written = [inference.template.build_manifest(), spec.accelerators.per_replica, spec.priority_class_name]
    return hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()[:16]

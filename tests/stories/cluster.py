"""Verbs of the stories: ask the cluster, wait for what shall become true, watch that it stays so, count what is written."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from commonpool.local.client import Manifest
from commonpool.local.cluster import LocalCluster

T = TypeVar("T")
_POLL_SECONDS = 0.1
_HANGS_SECONDS = 240
"""A kubectl that takes so long will never end: more than any that waits for something is told to."""


def kubectl(cluster: LocalCluster, *arguments: str, user: str = "", stdin: Manifest | str | None = None) -> str:
    """Run kubectl as the admin, or as a user of the fleet file, and return what it prints; AssertionError with its words if it fails."""
    answer = subprocess.run(
        build_kubectl(cluster, *arguments, user=user),
        input=json.dumps(stdin) if isinstance(stdin, dict) else stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=_HANGS_SECONDS,
    )
    assert answer.returncode == 0, f"kubectl {' '.join(arguments)}: {answer.stderr}"
    return answer.stdout


def build_kubectl(cluster: LocalCluster, *arguments: str, user: str = "") -> list[str | Path]:
    """The command line."""
    kubeconfig = cluster.user_kubeconfig(user) if user else cluster.kubeconfig
    return [Path(sys.executable).with_name("kubectl"), "--kubeconfig", kubeconfig, *arguments]


def eventually(look: Callable[[], T], *, within_seconds: float = 30, until: Callable[[T], bool] = bool) -> T:
    """Look again and again until it is as it should be, and return what was seen; AssertionError with the last sight if it never is."""
    deadline = time.monotonic() + within_seconds  # noqa: TID251 - a real cluster takes real time
    while True:
        seen = look()
        if until(seen):
            return seen
        assert time.monotonic() < deadline, f"not within {within_seconds} s; last seen: {seen!r}"  # noqa: TID251 - the same
        time.sleep(_POLL_SECONDS)


def consistently(look: Callable[[], T], *, for_seconds: float = 2, until: Callable[[T], bool] = bool) -> None:
    """Look again and again; AssertionError as soon as it is not as it should be."""
    deadline = time.monotonic() + for_seconds  # noqa: TID251 - a real cluster takes real time
    while time.monotonic() < deadline:  # noqa: TID251 - the same
        seen = look()
        assert until(seen), f"no longer so: {seen!r}"
        time.sleep(_POLL_SECONDS)


class Audit:
    """The writes to the API since this object was made, as the apiserver logged them."""

    def __init__(self, cluster: LocalCluster) -> None:
        self._path = cluster.places.audit_log
        self._offset = self._path.stat().st_size

    def writes(self, *, user: str = "") -> list[Manifest]:
        """All writes that were let through, of everybody or of those whose name ends in `user`."""
        with self._path.open("rb") as file:
            if self._offset:
                file.seek(self._offset - 1)
                file.readline()  # what was half written by then began before
            events: list[dict[str, Any]] = [json.loads(line) for line in file if line.endswith(b"\n")]
        return [
            event
            for event in events
            if event["stage"] == "ResponseComplete" and event["responseStatus"]["code"] < 300 and event["user"]["username"].endswith(user)
        ]

    def tally(self, *, user: str = "") -> Counter[tuple[str, str, str]]:
        """The same, counted by who, verb, and resource or resource/subresource."""
        return Counter(
            (
                event["user"]["username"].rpartition(":")[2],
                event["verb"],
                "/".join(event["objectRef"][part] for part in ("resource", "subresource") if part in event["objectRef"]),
            )
            for event in self.writes(user=user)
        )


def make_job(name: str, *, pods: int = 1, gpus: int = 1, runtime: str = "", resource: str = "nvidia.com/gpu") -> Manifest:
    """An Indexed Job as a tenant writes it; its pods run until they are deleted, or for `runtime` ("5s")."""
    annotations = {"commonpool.dev/fake-runtime": runtime} if runtime else {}
    container = {"name": "main", "image": "registry.example/train:1", "resources": {"limits": {resource: str(gpus)}}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {
            "completionMode": "Indexed",
            "parallelism": pods,
            "completions": pods,
            "template": {
                "metadata": {"annotations": annotations},
                "spec": {"restartPolicy": "Never", "containers": [container]},
            },
        },
    }


def make_node(name: str, *, gpus: int = 8, pool: str = "h100", **labels: str) -> Manifest:
    """A ready accelerator node beside those of the fleet file."""
    capacity = {"cpu": "64", "memory": "512Gi", "pods": "110", "nvidia.com/gpu": str(gpus)}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **labels}},
        "spec": {"taints": [{"key": "commonpool.dev/pool", "value": pool, "effect": "NoSchedule"}]},
        "status": {"capacity": capacity, "allocatable": capacity, "conditions": [{"type": "Ready", "status": "True"}]},
    }

"""A stage on which a test decides itself what is taken back, and an elastic training to take from."""

import json
from datetime import UTC, datetime
from typing import Any

from tests.kube.objects import (
    NAMESPACE,
    Body,
    job_body,
    pod_body,
    workload_body,
)
from tests.kube.stage import Stage

from commonpool.kube.resources import JOBS, PODS, ROUNDS
from commonpool.kube.rounds import build_round
from commonpool.model.ids import ChildKey, WorkloadName
from commonpool.model.plan import Evict, Hold, Plan, Shrink
from commonpool.model.reasons import Reason
from commonpool.model.rounds import Line, Round, RoundId

GRACE_SECONDS = 60
WHY = Reason.RECLAIMED_FOR_GUARANTEE


def elastic_body(name: str = "pretrain", least: int = 2, most: int = 8, gpus: int = 8) -> Body:
    said = {"replicas": {"min": least, "max": most}, "checkpoint": {"intervalSeconds": 600, "graceSeconds": GRACE_SECONDS}}
    return workload_body(name, "training", said, gpus=gpus)


def ready_pod_body(rank: int, name: str = "pretrain") -> Body:
    body = pod_body(f"{name}-{rank}", job=name, rank=rank, node=f"gpu-{rank}", gpus=8)
    body["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    return body


def name_of(name: str) -> WorkloadName:
    return WorkloadName(f"{NAMESPACE}/{name}")


def shrink(keep: int, by_at: int, name: str = "pretrain", kind: str = "Job") -> Shrink:
    return Shrink(name_of(name), ChildKey(kind, NAMESPACE, name), keep, by_at, WHY, "its places are needed")


def evict(name: str, kind: str = "Job") -> Evict:
    return Evict(name_of(name), ChildKey(kind, NAMESPACE, name), WHY, "its places are needed")


def instant(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Scene(Stage):
    """A stage on which a test decides what is taken back."""

    async def decide(self, *actions: Shrink | Evict, claimed: bool = True) -> list[str]:
        """One round with this plan; what it wrote, without statuses of others and Events. `claimed`: somebody waits for others' places."""
        snapshot = self.cluster.read()
        shrinks = tuple(action for action in actions if isinstance(action, Shrink))
        evicts = tuple(action for action in actions if isinstance(action, Evict))
        self.api.wrote()
        holds = (Hold(WorkloadName("nlp-dev/claim"), Reason.WAITS_FOR_RECLAIM, "soon"),) if claimed else ()
        await self.cluster.apply(snapshot, Plan(snapshot.epoch, snapshot.number, hold=holds, shrink=shrinks, evict=evicts))
        return [each for each in self.api.wrote() if not each.startswith(("patch-status GPUPool", "patch-status Tenant", "create Event"))]

    def play(self, size: int, name: str = "pretrain") -> None:
        """An elastic training of so many pods, all bound."""
        self.put(JOBS, job_body(name, pods=size, gpus=8, owner_uid=f"uid-GPUWorkload-{name}"))
        self.put(PODS, *(ready_pod_body(rank, name) for rank in range(size)))

    def promise(self, *lines: Line) -> None:
        manifest = build_round(Round(RoundId(1, 1, 1), lines), 1)
        self.put(
            ROUNDS,
            {
                **manifest,
                "metadata": {**manifest["metadata"], "uid": "uid-round", "resourceVersion": "7", "creationTimestamp": instant(self.now_at)},
            },
        )

    def job(self, name: str = "pretrain") -> Body:
        body = self.api.find(JOBS, name, NAMESPACE)
        assert body is not None
        return body

    def signal(self, name: str = "pretrain-0") -> Any:  # noqa: ANN401 whatever JSON says
        body = self.api.find(PODS, name, NAMESPACE)
        assert body is not None
        text = body["metadata"].get("annotations", {}).get("commonpool.dev/resize")
        return json.loads(text) if text else None

"""A live cluster on a fake API, round by round."""

from typing import Any

import pytest
from tests.kube.fakeapi import FakeApi
from tests.kube.objects import (
    NAMESPACE,
    Body,
    FilledMirror,
    own_body,
    pool_body,
)
from tests.kube.readings import NOW_AT

from commonpool.cycle import Cycle, run_cycle
from commonpool.engine.reference import ReferenceEngine
from commonpool.kube.cluster import LiveCluster
from commonpool.kube.resources import (
    GPU_POOLS,
    GPU_QUOTAS,
    GPU_WORKLOADS,
    JOBS,
    TENANTS,
    Resource,
)
from commonpool.model.snapshot import Workload


class Stage:
    """A live cluster on a fake API, one round at a time; a test moves the clock and plays Kubernetes."""

    def __init__(self, epoch: int = 1, api: FakeApi | None = None) -> None:
        self.api = api or FakeApi()
        self.mirror = FilledMirror()
        self.now_at = NOW_AT
        self.api.clock = lambda: self.now_at
        self.cluster = LiveCluster(self.api, self.mirror, lambda: self.now_at)
        self.cluster.epoch = epoch
        self.put(GPU_POOLS, pool_body())
        self.put(TENANTS, own_body("Tenant", "vision", {}))

    def put(self, resource: Resource, *bodies: Body) -> None:
        """Objects that somebody made or changed, in the API and in the mirror."""
        for body in bodies:
            stored = self.api.put(resource, body)
            if resource in {GPU_POOLS, TENANTS, GPU_QUOTAS, GPU_WORKLOADS}:
                self.mirror.own(stored)
            else:
                self.mirror.see(resource, stored)

    def finish(self, job: str) -> None:
        """A Job has run to its end."""
        body = self.api.find(JOBS, job, NAMESPACE)
        assert body is not None
        self.put(JOBS, {**body, "status": {"conditions": [{"type": "Complete", "status": "True"}]}})

    async def round(self) -> Cycle:
        return await run_cycle(self.cluster, ReferenceEngine())

    async def settled(self) -> list[str]:
        """Rounds until nothing is written any more, what is kept back for a few seconds included; what they wrote before."""
        wrote: list[str] = []
        for _ in range(9):
            await self.round()
            now, telling_at = self.api.wrote(), self.cluster._telling.next_due_at  # noqa: SLF001 no other instant may pass here
            wrote += now
            if not now and telling_at is None:
                return wrote
            if not now and telling_at is not None:
                self.now_at = telling_at
        pytest.fail(f"never quiet: {wrote}")

    async def workload(self, name: str = "pretrain") -> Workload:
        snapshot = (await self.round()).snapshot
        [found] = [each for each in snapshot.workloads if each.name == f"{NAMESPACE}/{name}"]
        return found

    def status(self, name: str = "pretrain") -> dict[str, Any]:
        body = self.api.find(GPU_WORKLOADS, name, NAMESPACE)
        assert body is not None
        status: dict[str, Any] = body.get("status", {})
        return status

    def state(self, name: str = "pretrain") -> str:
        [reason] = [each["reason"] for each in self.status(name)["conditions"] if each["type"] == "Succeeded"]
        return str(reason)

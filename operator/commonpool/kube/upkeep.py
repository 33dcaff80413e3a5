"""What must be true around the workloads: tracking of what tenants wrote, tenants' namespaces, the pools' taints.

Each is planned anew from what exists and writes only what differs.
"""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from commonpool.kube.client import Client, decode_plain
from commonpool.kube.errors import ApiError
from commonpool.kube.mirror import Mirror
from commonpool.kube.read import World
from commonpool.kube.read.world import list_accelerators
from commonpool.kube.records import Metadata
from commonpool.kube.resources import CUSTOM_RESOURCES, GPU_WORKLOADS, NETWORK_POLICIES, NODES, RESOURCE_QUOTAS, ROLE_BINDINGS, Resource
from commonpool.kube.survey import list_all
from commonpool.kube.taints import Tainting, plan_taints
from commonpool.kube.tenancy import MANAGED, WORKLOAD_COUNT, Tenancy, plan_tenancy
from commonpool.kube.tracking import plan_tracking, read_trackables
from commonpool.kube.turns import Pauses, take_turns
from commonpool.kube.writer import Failure, Writer, attempt, attempt_all
from commonpool.kube.writes import Write
from commonpool.model.names import GROUP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from commonpool.model.ids import TenantName
    from commonpool.model.snapshot import Blocked

TENANCY_SECONDS = 600
"""How often what tenants' namespaces were given is looked at although nothing has changed on our side."""

MOST_TRACKED = 100
"""GPUWorkloads made for what tenants wrote, a round."""

QUOTA_CONTROLLER_SECONDS = 120
"""How long after the installation of a kind the quota controller surely knows it; it looks every 30 seconds."""


class Upkeep:
    """Does it after each round."""

    def __init__(self, client: Client, mirror: Mirror, writer: Writer, reserved: frozenset[str], home: str) -> None:
        self.problems: Mapping[TenantName, tuple[Blocked, ...]] = {}
        """What of the tenants' wishes for namespaces could not be fulfilled."""
        self._client = client
        self._mirror = mirror
        self._writer = writer
        self._reserved = reserved
        self._home = home
        self._pauses = Pauses()
        self._settled: object = None
        self._look_again_at = 0
        self._workloads_are_counted = False

    async def track(self, world: World) -> list[Failure]:
        """Let a GPUWorkload stand for each object that asks for an accelerator in a tenant's namespace."""
        mirror = self._mirror
        children = [*mirror.jobs, *mirror.deployments, *mirror.stateful_sets]
        namespaces = {each.name for each in mirror.namespaces if each.tenant and not each.terminating}
        workloads = [own.parsed for own in mirror.workloads if own.parsed is not None]
        writes = plan_tracking(read_trackables(children, mirror.pods), workloads, namespaces, list_accelerators(world.fleet))
        now_at = world.snapshot.now_at
        due = [write for write in writes if not self._pauses.rests(_namespace(write), now_at)]
        taken = take_turns(due, _namespace, MOST_TRACKED)
        if len(taken) < len(due):
            mirror.dirty.set()  # the rest follows after the next decision
        failures: list[Failure] = []
        for namespace in sorted({_namespace(write) for write in taken}):
            some = [write for write in taken if _namespace(write) == namespace]
            outcome = await attempt_all((write.subject, self._writer.perform(write)) for write in some)
            failures += self._pauses.note(namespace, outcome, now_at)
        return failures

    def find_next_due(self, now_at: int) -> int | None:
        """When a namespace in which tracking was refused is tried again. What only has to be looked at now and then has no instant."""
        return self._pauses.find_next_due(now_at)

    async def taint(self, world: World) -> list[Failure]:
        """Give each node of a pool the pool's taint."""
        return await attempt_all((f"Node {each.node}", self._taint(each)) for each in plan_taints(world.fleet))

    async def _taint(self, tainting: Tainting) -> None:
        self._mirror.learn(NODES, await self._client.json_patch(NODES, "", tainting.node, tainting.operations))

    async def settle_tenants(self, now_at: int) -> list[Failure]:
        """Make tenants' namespaces and what belongs into them. Lists what is there only when something of it has changed."""
        tenants = [own.parsed for own in self._mirror.tenants if own.parsed is not None]
        seen = (frozenset(self._mirror.tenants), frozenset(self._mirror.namespaces))
        if seen == self._settled and now_at < self._look_again_at:
            return []
        try:
            existing = [item for resource in (ROLE_BINDINGS, NETWORK_POLICIES, RESOURCE_QUOTAS) for item in await self._list(resource)]
        except ApiError as error:
            return [Failure("tenants' namespaces", error)]
        too_new = await self._find_too_new(now_at)
        tenancy = plan_tenancy(tenants, self._mirror.namespaces, existing, self._reserved, too_new, self._home)
        failures = await self._write_in_order(tenancy)
        self.problems = tenancy.problems
        if tenancy.leaving and not failures:
            self._mirror.stirred.set()  # no watch tells that what was given has gone
        if not failures and not tenancy.writes and not tenancy.leaving:
            self._settled, self._look_again_at = seen, now_at + (QUOTA_CONTROLLER_SECONDS if too_new else TENANCY_SECONDS)
        return failures

    async def _find_too_new(self, now_at: int) -> frozenset[str]:
        """The count of our own kind, as long as the quota controller may not have discovered the kind.

        A ResourceQuota that comes before that discovery has no status for it until the controller's next full look, 5 minutes later.
        """
        if not self._workloads_are_counted:
            with suppress(ApiError):
                definition = decode_plain(await self._client.get(CUSTOM_RESOURCES, "", f"{GPU_WORKLOADS.plural}.{GROUP}"))
                created_at = msgspec.convert(definition["metadata"], Metadata, strict=False).created_at
                self._workloads_are_counted = now_at - created_at >= QUOTA_CONTROLLER_SECONDS
        return frozenset() if self._workloads_are_counted else frozenset({WORKLOAD_COUNT})

    async def _write_in_order(self, tenancy: Tenancy) -> list[Failure]:
        """A namespace comes before what is in it."""
        outcomes = [await attempt(write.subject, self._writer.perform(write)) for write in tenancy.writes]
        return [failure for failure in outcomes if failure is not None]

    async def _list(self, resource: Resource) -> list[dict[str, Any]]:
        selector = ",".join(f"{label}={value}" for label, value in MANAGED.items())
        items, _ = await list_all(self._client, resource, selector=selector)
        return [{**decode_plain(item), "apiVersion": resource.api_version, "kind": resource.kind} for item in items]


def _namespace(write: Write) -> str:
    return str(write.manifest["metadata"]["namespace"])

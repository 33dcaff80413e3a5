"""The operator's Lease in the cluster, as `leader` wants it."""

from dataclasses import dataclass
from typing import Any

from commonpool.errors import ConflictError
from commonpool.kube.client import Client, decode_plain
from commonpool.kube.errors import AlreadyExists, Conflict, NotFound
from commonpool.kube.resources import LEASES
from commonpool.model.names import LEASE_NAME


@dataclass(frozen=True, slots=True)
class ClusterLeases:
    """The one Lease of all operators of a cluster."""

    client: Client
    namespace: str

    async def read(self) -> dict[str, Any] | None:
        """The Lease object, or None if nobody has made it."""
        try:
            return decode_plain(await self.client.get(LEASES, self.namespace, LEASE_NAME))
        except NotFound:
            return None

    async def create(self, spec: dict[str, Any]) -> None:
        """Make it; ConflictError if somebody was faster."""
        manifest = {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": {"name": LEASE_NAME, "namespace": self.namespace}}
        try:
            await self.client.create(LEASES, manifest | {"spec": spec})
        except AlreadyExists as error:
            raise ConflictError(error.message) from error

    async def patch(self, spec: dict[str, Any], *, resource_version: str) -> None:
        """Change it; ConflictError if it is not the one that was read."""
        try:
            await self.client.merge_patch(
                LEASES, self.namespace, LEASE_NAME, {"metadata": {"resourceVersion": resource_version}, "spec": spec}
            )
        except (Conflict, NotFound) as error:
            raise ConflictError(error.message) from error

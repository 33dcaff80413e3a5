"""Who is above whom: the tenants as a tree."""

from collections.abc import Iterable

from commonpool.model.ids import TenantName
from commonpool.model.snapshot import Tenant
from commonpool.model.usage import find_lineage


class TenantTree:
    """Looks up tenants and the chains of those above them (`find_lineage`)."""

    def __init__(self, tenants: Iterable[Tenant]) -> None:
        self._tenants = {tenant.name: tenant for tenant in tenants}
        self._chains = find_lineage(self._tenants.values())

    def find(self, name: TenantName) -> Tenant | None:
        """The tenant, if there is one of this name."""
        return self._tenants.get(name)

    def parent(self, name: TenantName) -> TenantName | None:
        """Who is right above it."""
        chain = self.chain(name)
        return chain[1] if len(chain) > 1 else None

    def weight(self, name: TenantName) -> int:
        """Its weight among its siblings, at least 1."""
        tenant = self._tenants.get(name)
        return max(1, tenant.weight) if tenant else 1

    def chain(self, name: TenantName) -> tuple[TenantName, ...]:
        """The tenant itself, then each one above it. A name that is nobody's is a chain of its own: what it holds still counts."""
        return self._chains.get(name, (name,))

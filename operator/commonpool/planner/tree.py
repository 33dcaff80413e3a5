"""Who is above whom: the tenants as a tree."""

from collections.abc import Iterable

from commonpool.model.ids import TenantName
from commonpool.model.snapshot import Tenant


class TenantTree:
    """Chains of tenants. A missing parent is no parent; a tenant in a circle of parents stands alone."""

    def __init__(self, tenants: Iterable[Tenant]) -> None:
        self._tenants = {tenant.name: tenant for tenant in tenants}
        self._parents = {name: self._find_sound_parent(name) for name in self._tenants}
        self._chains: dict[TenantName, tuple[TenantName, ...]] = {}

    def __contains__(self, name: TenantName) -> bool:
        return name in self._tenants

    def find(self, name: TenantName) -> Tenant | None:
        """The tenant, if there is one of this name."""
        return self._tenants.get(name)

    def parent(self, name: TenantName) -> TenantName | None:
        """Who is right above it."""
        return self._parents.get(name)

    def weight(self, name: TenantName) -> int:
        """Its weight among its siblings, at least 1."""
        tenant = self._tenants.get(name)
        return max(1, tenant.weight) if tenant else 1

    def chain(self, name: TenantName) -> tuple[TenantName, ...]:
        """The tenant itself, then each one above it. A name that is nobody's is a chain of its own: what it holds still counts."""
        known = self._chains.get(name)
        if known is None:
            parent = self._parents.get(name)
            known = self._chains[name] = (name, *self.chain(parent)) if parent is not None else (name,)
        return known

    def _find_sound_parent(self, name: TenantName) -> TenantName | None:
        parent = self._tenants[name].parent
        above, seen = parent, {name}
        while above is not None and above in self._tenants and above not in seen:
            seen.add(above)
            above = self._tenants[above].parent
        return parent if above != name and parent in self._tenants else None

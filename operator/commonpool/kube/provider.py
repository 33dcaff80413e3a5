"""Who makes and removes nodes, behind one small interface: ask for a number of them."""

from typing import Protocol

import msgspec

from commonpool.api.gpupool import ScaleTarget
from commonpool.kube.client import Client
from commonpool.kube.errors import NotFound
from commonpool.kube.resources import Resource


class NodeProvider(Protocol):
    """Makes it so in its own time; which nodes go when there are too many is its choice, and the cordoned ones are the right ones."""

    async def ask(self, target: ScaleTarget, nodes: int) -> None:
        """Ask for so many nodes; ApiError if it cannot be asked. The same asked again changes nothing."""
        ...


class _Served(msgspec.Struct):
    name: str
    kind: str
    namespaced: bool = True


class _Kinds(msgspec.Struct):
    resources: list[_Served]


_KINDS = msgspec.json.Decoder(_Kinds)


class ScaleSubresource:
    """The number of nodes is the number of replicas of a named object: Karpenter's static NodePool, Cluster API's MachineDeployment."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[tuple[str, str], Resource] = {}

    async def ask(self, target: ScaleTarget, nodes: int) -> None:
        """Patch `scale`, whatever the object is otherwise."""
        resource = await self._find(target.api_version, target.kind)
        if resource.namespaced and not target.namespace:
            raise NotFound(f"a {target.kind} has a namespace: say it in `provider.scale.namespace`")
        patch = {"spec": {"replicas": nodes}}
        await self._client.merge_patch(resource, target.namespace or "", target.name, patch, subresource="scale")

    async def _find(self, api_version: str, kind: str) -> Resource:
        """Under which path the kind is served."""
        key = (api_version, kind)
        if key not in self._known:
            found = next((each for each in await self._list(api_version) if each.kind == kind and "/" not in each.name), None)
            if found is None:
                raise NotFound(f"`{api_version}` serves no `{kind}`: is it installed, and is it spelt so?")
            self._known[key] = Resource(kind, found.name, api_version, found.namespaced)
        return self._known[key]

    async def _list(self, api_version: str) -> list[_Served]:
        """What a group and version serves; nothing if there is no such, or if what is written there names something else."""
        try:
            return _KINDS.decode(await self._client.discover(api_version)).resources
        except (NotFound, msgspec.MsgspecError):
            return []

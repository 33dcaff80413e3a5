"""Fleet files: which fake nodes a local cluster has, and who may log in besides the admin."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from commonpool.errors import UserError
from commonpool.local.client import Manifest
from commonpool.local.credentials import User
from commonpool.model.names import POOL_TAINT

BLOCK_LABEL = "topology.commonpool.dev/block"
RACK_LABEL = "topology.commonpool.dev/rack"
GROUP_LABEL = "local.commonpool.dev/nodegroup"
"""On the nodes of groups that can be scaled."""
_MOST_NODES = 20_000

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$")]
LoginName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][-A-Za-z0-9_.@:]{0,62}$")]
Quantity = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class NodeGroup(_Strict):
    """Nodes that are alike, numbered within racks within blocks."""

    name: Name = Field(description="nodes are called NAME-001, NAME-002, ...")
    nodes: int = Field(ge=0, le=_MOST_NODES, description="so many at first; 0 only where `max` is set")
    pool: Name | None = Field(default=None, description="accelerator nodes: the pool that the taint names; none: ordinary nodes")
    resources: dict[str, Quantity] = Field(description="capacity of one node")
    labels: dict[str, str] = Field(default_factory=dict)
    nodes_per_rack: int = Field(default=4, ge=1, alias="nodesPerRack")
    racks_per_block: int = Field(default=2, ge=1, alias="racksPerBlock")
    least: int = Field(default=0, ge=0, le=_MOST_NODES, alias="min", description="where `max` is set: as few nodes it may have")
    most: int | None = Field(
        default=None, ge=1, le=_MOST_NODES, alias="max", description="as many it may be scaled to; none: it stays as it is"
    )
    boot_seconds: int = Field(default=5, ge=0, le=3600, alias="bootSeconds", description="until a machine that was asked for is a node")

    @model_validator(mode="after")
    def _starts_within_its_bounds(self) -> Self:
        if self.most is None and not self.nodes:
            raise ValueError("`nodes` is 0: say at least 1, or how many there may be in `max`")
        if self.most is not None and not self.least <= self.nodes <= self.most:
            raise ValueError(f"`nodes` {self.nodes} is not between `min` {self.least} and `max` {self.most}")
        return self

    @model_validator(mode="after")
    def _has_what_every_node_has(self) -> Self:
        for resource in ("cpu", "memory", "pods"):
            if resource not in self.resources:
                raise ValueError(f"`resources` says no `{resource}`; without it no pod fits the node")
        return self


class FleetUser(_Strict):
    """A tenant's user, with a kubeconfig of its own."""

    name: LoginName
    groups: tuple[LoginName, ...] = ()


class Fleet(_Strict):
    """A whole fleet file."""

    groups: tuple[NodeGroup, ...] = Field(min_length=1)
    users: tuple[FleetUser, ...] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for what, names in (("groups", [group.name for group in self.groups]), ("users", [user.name for user in self.users])):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"`{what}` has `{twice[0]}` twice; give each a name of its own")
        for user in self.users:
            if user.name in {"admin", "kwok"} or user.name.startswith("system:"):
                raise ValueError(f"`{user.name}` is a name of the control plane itself; call the user something else")
        return self

    def login_users(self) -> tuple[User, ...]:
        """The users, as the token file wants them."""
        return tuple(User(user.name, user.groups) for user in self.users)


def read_fleet(path: Path) -> Fleet:
    """Read and check a fleet file; a bad one is refused with all that is wrong in it."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"the fleet file `{path}` cannot be read: {error.strerror}", hint="local/fleets/ has examples") from error
    except yaml.YAMLError as error:
        raise UserError(f"the fleet file `{path}` is not YAML: {error}") from error
    return parse_fleet(content, str(path))


def parse_fleet(content: object, where: str) -> Fleet:
    """Check the content of a fleet file that came from `where`."""
    try:
        return Fleet.model_validate(content)
    except ValidationError as error:
        problems = "\n".join(f"  {_describe(problem['loc'])}: {_clean(problem['msg'])}" for problem in error.errors())
        raise UserError(f"the fleet file `{where}` is wrong:\n{problems}", hint="local/fleets/small.yaml is a short example") from error


def build_nodes(fleet: Fleet) -> Iterator[Manifest]:
    """Node objects in the order of the file, ready as they are created (the apiserver keeps a status that comes with the create)."""
    for group in fleet.groups:
        for number in range(group.nodes):
            yield build_node(group, number)


def build_node(group: NodeGroup, number: int) -> Manifest:
    """One node by its number from 0 on."""
    width = max(3, len(str(group.most or group.nodes)))
    name = f"{group.name}-{number + 1:0{width}d}"
    rack = number // group.nodes_per_rack
    block = rack // group.racks_per_block
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "node.kubernetes.io/instance-type": group.name,
        BLOCK_LABEL: f"{group.name}-b{block + 1}",
        RACK_LABEL: f"{group.name}-b{block + 1}-r{rack % group.racks_per_block + 1}",
        **({GROUP_LABEL: group.name} if group.most is not None else {}),
        **group.labels,
    }
    taints = [{"key": POOL_TAINT, "value": group.pool, "effect": "NoSchedule"}] if group.pool else []
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels, "annotations": {"kwok.x-k8s.io/node": "fake"}},
        "spec": {"taints": taints},
        "status": {
            "capacity": group.resources,
            "allocatable": group.resources,
            "conditions": [
                _build_condition("Ready", "True", "KubeletReady"),
                *(_build_condition(kind, "False", f"KubeletHasNo{kind}") for kind in ("MemoryPressure", "DiskPressure", "PIDPressure")),
            ],
            "addresses": [{"type": "Hostname", "address": name}, {"type": "InternalIP", "address": "127.0.0.1"}],
            "nodeInfo": {
                **dict.fromkeys(("machineID", "systemUUID", "bootID", "kernelVersion", "osImage", "kubeProxyVersion"), ""),
                "containerRuntimeVersion": "kwok://",
                "kubeletVersion": "v1.37.1",
                "operatingSystem": "linux",
                "architecture": labels["kubernetes.io/arch"],
            },
        },
    }


def _build_condition(kind: str, status: str, reason: str) -> Manifest:
    return {"type": kind, "status": status, "reason": reason, "message": "a fake node of the local cluster"}


def _describe(location: tuple[int | str, ...]) -> str:
    """`('groups', 0, 'nodes')` is `groups[0].nodes`."""
    return re.sub(r"\.\[", "[", ".".join(f"[{part}]" if isinstance(part, int) else str(part) for part in location)) or "the file"


def _clean(message: str) -> str:
    return message.removeprefix("Value error, ")

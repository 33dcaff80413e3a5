"""What a test asks of one reading."""

from typing import Any

from tests.kube.objects import GPU, NAMESPACE, FilledMirror

from commonpool.engine.reference import ReferenceEngine
from commonpool.kube.read import World, read_world
from commonpool.model.amounts import Amounts
from commonpool.model.ids import ChildKey, NodeName, PoolName, Seat, TenantName
from commonpool.model.plan import Entry
from commonpool.model.reasons import Reason
from commonpool.model.rounds import Line
from commonpool.model.snapshot import Node, Snapshot, Workload
from commonpool.planner import plan_round

GIB = 1 << 30
NOW_AT = 1_795_348_800
"""The instant in which all objects of the tests were made."""
ONE_GPU = Amounts(1000, 4000, 8 * GIB, 1)
EIGHT_GPUS = Amounts(8000, 4000, 8 * GIB, 1)


def world(mirror: FilledMirror, now_at: int = NOW_AT, **more: Any) -> World:  # noqa: ANN401
    return read_world(mirror, now_at=now_at, epoch=1, **more)


def read(mirror: FilledMirror) -> Snapshot:
    return world(mirror).snapshot


def workload(mirror: FilledMirror, name: str = "pretrain", now_at: int = NOW_AT) -> Workload:
    [found] = [each for each in world(mirror, now_at).snapshot.workloads if each.name == f"{NAMESPACE}/{name}"]
    return found


def node(mirror: FilledMirror, name: str) -> Node:
    [found] = [each for each in read(mirror).nodes if each.name == name]
    return found


def line(kind: str, name: str, *entries: tuple[Seat, str], shape: Amounts = ONE_GPU) -> Line:
    placed = tuple(Entry(seat, NodeName(where)) for seat, where in entries)
    return Line(ChildKey(kind, NAMESPACE, name), TenantName("vision"), PoolName("h100"), GPU, shape, placed, "WithinGuarantee")


def told(mirror: FilledMirror, name: str = "pretrain") -> Reason | None:
    """For what the plan lets the workload wait."""
    holds = plan_round(read(mirror), ReferenceEngine()).hold
    return next((hold.reason for hold in holds if hold.workload == f"{NAMESPACE}/{name}"), None)


def reason(found: Workload) -> Reason | None:
    return found.blocked.reason if found.blocked else None

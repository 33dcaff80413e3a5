"""Rounds as the cluster has them: to the model's Round and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from commonpool.kube import records
from commonpool.model.ids import ChildKey, PoolName, TenantName
from commonpool.model.names import API_VERSION
from commonpool.model.rounds import (
    Line,
    Round,
    RoundId,
    parse_entries,
    parse_request,
    render_nodes,
    render_pods,
    render_request,
    render_seats,
)


@dataclass(frozen=True, slots=True)
class StandingRound:
    """A Round of the cluster under the name that it has there."""

    object_name: str
    parts: int
    round: Round


def read_round(record: records.Round) -> StandingRound:
    """A Round's promises. A line that says nothing promises nothing: the scheduler cannot read it either."""
    spec = record.spec
    lines = tuple(line for gang in spec.gangs if (line := _find_line(gang)) is not None)
    round_ = Round(RoundId(spec.epoch, spec.number, spec.part), lines, record.metadata.created_at)
    return StandingRound(record.metadata.name, spec.parts, round_)


def _find_line(gang: records.RoundGang) -> Line | None:
    namespace, _, name = gang.workload.partition("/")
    try:
        entries = parse_entries(gang.nodes, gang.ranks, gang.pods)
        resource_name, shape = parse_request(gang.request)
    except ValueError:
        return None
    return Line(ChildKey(gang.kind, namespace, name), TenantName(gang.tenant), PoolName(gang.pool), resource_name, shape, entries, gang.why)


def build_gangs(lines: Sequence[Line]) -> list[dict[str, str]]:
    """`spec.gangs`."""
    return [_build_gang(line) for line in lines]


def _build_gang(line: Line) -> dict[str, str]:
    gang = {
        "workload": line.child.path,
        "kind": line.child.kind,
        "tenant": line.tenant,
        "pool": line.pool,
        "nodes": render_nodes(line.entries),
        "ranks": render_seats(line.entries),
        "pods": render_pods(line.entries),
        "request": render_request(line.shape, line.resource_name),
        "why": str(line.why),
    }
    return {field: text for field, text in gang.items() if text}


def build_round(round_: Round, parts: int) -> dict[str, Any]:
    """The manifest of one part."""
    identity = round_.id
    return {
        "apiVersion": API_VERSION,
        "kind": "Round",
        "metadata": {"name": identity.object_name},
        "spec": {
            "epoch": identity.epoch,
            "number": identity.number,
            "part": identity.part,
            "parts": parts,
            "gangs": build_gangs(round_.lines),
        },
    }

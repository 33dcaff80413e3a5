"""The scheduler plugin's rules in a few lines (docs/architecture.md, Round): which waiting pod goes where."""

from collections.abc import Iterable, Sequence

from commonpool.model.ids import ANY_SEAT, NodeName, Seat
from commonpool.model.ledger import PodFact
from commonpool.model.plan import Entry
from commonpool.model.rounds import Round


def send_pods(rounds: Iterable[Round], pods: Sequence[PodFact]) -> dict[str, NodeName]:
    """The node of each pod that waits and has a place; `pods` oldest first."""
    ordered = sorted(rounds, key=lambda each: each.id)
    obeyed = [line for each in ordered if each.id.epoch == ordered[-1].id.epoch for line in each.lines]
    sent: dict[str, NodeName] = {}
    for child in {pod.child for pod in pods}:
        entries = [entry for line in obeyed if line.child == child for entry in line.entries]
        sent |= _send(entries, [pod for pod in pods if pod.child == child])
    return sent


def _send(entries: list[Entry], pods: list[PodFact]) -> dict[str, NodeName]:
    own = {entry.seat: entry for entry in entries if entry.seat != ANY_SEAT}
    unnamed = [entry for entry in entries if entry.seat == ANY_SEAT]
    sent: dict[str, NodeName] = {}
    for pod in sorted(pods, key=lambda pod: pod.node is None):  # those that are somewhere sit down first
        seat = next((seat for seat in (Seat(pod=pod.name), Seat(rank=pod.rank)) if seat != ANY_SEAT and _is_known(entries, seat)), None)
        fitting = [entry for entry in unnamed if pod.node in {None, entry.node}]
        if seat is not None:
            entry = own.pop(seat, None)
        else:
            entry = fitting[0] if fitting else None
            unnamed = _without(unnamed, entry)
        if entry is not None and pod.node is None:
            sent[pod.name] = entry.node
    return sent


def _is_known(entries: list[Entry], seat: Seat) -> bool:
    return any(entry.seat == seat for entry in entries)


def _without(entries: list[Entry], taken: Entry | None) -> list[Entry]:
    at = next((index for index, entry in enumerate(entries) if entry is taken), len(entries))
    return entries[:at] + entries[at + 1 :]

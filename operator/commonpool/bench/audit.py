"""What one run did to the API, from the apiserver's audit log: every write with who, what and when."""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from commonpool.model.names import OPERATOR_ACCOUNT

_BINDING = (b'"subresource":"binding"', b'"code":201')
_LEASES = b'"resource":"leases"'

_LONGEST_USER = 40


@dataclass(frozen=True, slots=True)
class Writing:
    """One sort of write."""

    user: str
    verb: str
    resource: str
    """With its subresource after a slash."""

    @property
    def of_pods(self) -> bool:
        """Whether there would be as many for pods that belong to nothing: themselves, what binds them, what is said of them."""
        return self.resource.partition("/")[0] in {"pods", "rounds"} or (self.resource == "events" and self.user != OPERATOR_ACCOUNT)


@dataclass(slots=True)
class Account:
    """The writes of one run. Instants are seconds since 1970."""

    writes: Counter[Writing] = field(default_factory=Counter)
    refused: int = 0
    leases: int = 0
    began_at: float = 0.0
    """The first request that made something of the load was received."""
    ended_at: float = 0.0
    """The last binding was answered."""
    pod_seconds: list[float] = field(default_factory=list)
    """Of each pod whose maker named it: from the answer to its creation to the answer to its binding."""
    gang_seconds: list[float] = field(default_factory=list)
    """Of each gang: from the request that began it (its Job, or its first pod) to its last binding."""


class Tail:
    """Follows an audit log from where it ends now."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._offset = self._begin = log.stat().st_size
        self.bindings = 0
        self.others = 0
        """Writes that are neither bindings nor renewals of Leases."""

    def advance(self) -> None:
        """Count what was added; an unfinished line is left for the next time."""
        with self._log.open("rb") as file:
            file.seek(self._offset)
            added = file.read()
        whole = added[: added.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            if all(mark in line for mark in _BINDING):
                self.bindings += 1
            elif _LEASES not in line:
                self.others += 1

    def read_account(self, namespace: str) -> Account:
        """Sum up all since the beginning; times are of what happened in `namespace`."""
        with self._log.open("rb") as file:
            file.seek(self._begin)
            events = [json.loads(line) for line in file.read(self._offset - self._begin).splitlines()]
        return sum_up(events, namespace)


def sum_up(events: list[dict[str, Any]], namespace: str) -> Account:
    """From the events of an audit log (of the stage ResponseComplete) to an account."""
    account = Account()
    made: dict[str, float] = {}
    begun: dict[str, float] = {}
    bound: dict[str, float] = {}
    for event in events:
        what = event["objectRef"]
        resource = what["resource"] + (f"/{what['subresource']}" if what.get("subresource") else "")
        if resource == "leases":
            account.leases += 1
            continue
        account.writes[Writing(_name(event), event["verb"], resource)] += 1
        if event["responseStatus"]["code"] >= 400:
            account.refused += 1
            continue
        if what.get("namespace") != namespace or event["verb"] != "create":
            continue
        received, answered, name = _read(event["requestReceivedTimestamp"]), _read(event["stageTimestamp"]), what.get("name", "")
        if resource in {"pods", "jobs"}:
            gang = _find_gang(name) if resource == "pods" else name
            begun[gang] = min(begun.get(gang, received), received)
        if resource == "pods":
            made[name] = answered
        elif resource == "pods/binding":
            bound[name] = answered
    _time(account, made, begun, bound)
    return account


def _time(account: Account, made: dict[str, float], begun: dict[str, float], bound: dict[str, float]) -> None:
    account.began_at = min(begun.values(), default=0.0)
    account.ended_at = max(bound.values(), default=0.0)
    account.pod_seconds = sorted(max(0.0, at - made[name]) for name, at in bound.items() if name in made)
    last: dict[str, float] = {}
    for name, at in bound.items():
        gang = _find_gang(name)
        last[gang] = max(last.get(gang, at), at)
    account.gang_seconds = sorted(at - begun[gang] for gang, at in last.items() if gang in begun)


def _find_gang(pod: str) -> str:
    """`gang-0007-3`, or `gang-0007-3-x2x9q` as the Job controller names it, is one of `gang-0007`."""
    return "-".join(pod.split("-")[:2])


def _name(event: dict[str, Any]) -> str:
    """Who wrote, in few words."""
    user: str = event["user"]["username"].rsplit(":", 1)[-1]
    if event.get("userAgent") == "bench-driver":
        return "tenant" if user != "admin" else "driver"
    return user[:_LONGEST_USER]


def _read(instant: str) -> float:
    return datetime.fromisoformat(instant).timestamp()

"""Writes Rounds: the promises that the scheduler obeys.

Rounds are written before anything may act on them. Once written they lose entries that mean
nothing any more, and go when they owe nothing.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from commonpool.kube.client import Client, decode_plain
from commonpool.kube.errors import AlreadyExists, Conflict, NotFound, Unavailable
from commonpool.kube.mirror import Mirror
from commonpool.kube.resources import ROUNDS
from commonpool.kube.rounds import StandingRound, build_gangs, build_round
from commonpool.kube.writer import Failure, attempt
from commonpool.model.ids import ChildKey
from commonpool.model.ledger import Standing
from commonpool.model.rounds import Line, Round, RoundId, split_parts


class Promises:
    """The one writer of Rounds."""

    def __init__(self, client: Client, mirror: Mirror) -> None:
        self._client = client
        self._mirror = mirror
        self._unsure: set[str] = set()

    async def write(self, epoch: int, number: int, lines: Sequence[Line]) -> list[Failure]:
        """Write one Round, in as many parts as it takes. Lines of one child must stand together.

        Nothing is written as long as nobody knows whether an earlier Round was: its places
        would be promised twice.
        """
        if self._unsure and (failure := await attempt("earlier Rounds", self._make_sure())):
            return [failure]
        parts = list(split_parts(lines))
        failures = []
        for part, some in enumerate(parts, start=1):
            round_ = Round(RoundId(epoch, number, part), some)
            failure = await attempt(f"Round {round_.id.object_name}", self._create(round_, len(parts)))
            if failure is not None:
                failures.append(failure)
        return failures

    async def clear(self, standing: Standing) -> list[Failure]:
        """Patch what is void out of Rounds, then delete those that owe nothing: one at a time, a Round is dear to delete."""
        known = {each.round.id: each for each in self._mirror.rounds}
        failures = [await self._patch(known[each.id], each) for each in standing.cut if each.id in known]
        failures += [await self._delete(known[each.id]) for each in standing.spent if each.id in known]
        return [failure for failure in failures if failure is not None]

    async def withdraw(self, child: ChildKey, from_rank: int) -> None:
        """Take the entries of a child's pods that are to go out of all Rounds, used ones too; ApiError if one of them still has some.

        `from_rank`: of ranks from here on; 0: all entries. Else the next pod of that rank would find its place promised again.
        """
        for known in list(self._mirror.rounds):
            lines = tuple(kept for line in known.round.lines if (kept := _keep(line, child, from_rank)) is not None)
            if lines == known.round.lines:
                continue
            failure = await (self._patch(known, replace(known.round, lines=lines)) if lines else self._delete(known))
            if failure is not None:
                raise failure.error

    async def _create(self, round_: Round, parts: int) -> None:
        manifest = build_round(round_, parts)
        name = round_.id.object_name
        try:
            body = await self._client.create(ROUNDS, manifest)
        except AlreadyExists as error:
            body = await self._client.get(ROUNDS, "", name)
            if decode_plain(body)["spec"] != manifest["spec"]:
                self._mirror.learn(ROUNDS, body)
                raise Conflict(f"Round `{name}` exists and says something else") from error
        except Unavailable:
            self._unsure.add(name)
            raise
        self._mirror.learn(ROUNDS, body)

    async def _make_sure(self) -> None:
        for name in sorted(self._unsure):
            with suppress(NotFound):
                self._mirror.learn(ROUNDS, await self._client.get(ROUNDS, "", name))
            self._unsure.discard(name)

    async def _patch(self, known: StandingRound, wanted: Round) -> Failure | None:
        name = known.object_name
        uid = self._mirror.rounds.find_uid("", name)
        patch = {"metadata": {"uid": uid}, "spec": {"gangs": build_gangs(wanted.lines)}}

        async def change() -> None:
            self._mirror.learn(ROUNDS, await self._client.merge_patch(ROUNDS, "", name, patch))

        return await attempt(f"Round {name}", change())

    async def _delete(self, known: StandingRound) -> Failure | None:
        name = known.object_name
        uid = self._mirror.rounds.find_uid("", name)

        async def remove() -> None:
            await self._client.delete(ROUNDS, "", name, uid=uid)
            self._mirror.forget(ROUNDS, "", name, uid)

        return await attempt(f"Round {name}", remove())


def _keep(line: Line, child: ChildKey, from_rank: int) -> Line | None:
    if line.child != child:
        return line
    entries = tuple(entry for entry in line.entries if 0 <= entry.seat.rank < from_rank or (from_rank and entry.seat.pod))
    return replace(line, entries=entries) if entries else None

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.kube.fakeserver import EXPIRED, FakeServer, Listing, Watching, bookmark, change
from tests.kube.objects import pod_body

from commonpool.kube import reflector as module
from commonpool.kube.facts import PodView
from commonpool.kube.mirror import READERS
from commonpool.kube.reflector import Reflector
from commonpool.kube.resources import PODS
from commonpool.kube.store import Store

pytestmark = pytest.mark.timeout(20)


def pod(name: str, version: int, *, uid: str = "", node: str = "") -> dict[str, Any]:
    body = pod_body(name, node=node)
    body["metadata"] |= {"resourceVersion": str(version), "uid": uid or f"uid-{name}"}
    return body


@dataclass
class Followed:
    """A reflector at work, and all that it told."""

    reflector: Reflector[PodView]
    server: FakeServer
    changes: list[tuple[str, str]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    told: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, old: PodView | None, new: PodView | None) -> None:
        kept = new or old
        assert kept is not None
        self.changes.append(("made" if old is None else "gone" if new is None else "changed", kept.name))
        self.told.set()

    async def until(self, *changes: tuple[str, str]) -> None:
        while self.changes != list(changes):
            assert self.changes == list(changes)[: len(self.changes)]
            self.told.clear()
            await self.told.wait()

    async def asked(self, times: int) -> None:
        while len(self.server.asked) < times:
            self.server.came.clear()
            await self.server.came.wait()

    @property
    def names(self) -> set[str]:
        return {pod.name for pod in self.reflector.store}


@asynccontextmanager
async def follow(*script: Listing | Watching) -> AsyncIterator[Followed]:
    server = FakeServer(*script)
    async with server.serve() as client:
        store: Store[PodView] = Store(lambda old, new: followed.note(old, new))  # noqa: PLW0108 it does not exist yet

        async def no_pause(seconds: float) -> None:
            followed.pauses.append(seconds)
            await asyncio.sleep(0)

        followed = Followed(Reflector(client, PODS, READERS[PODS], store, no_pause), server)
        task = asyncio.create_task(followed.reflector.run())
        try:
            yield followed
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def test_it_lists_in_pages_and_then_watches_from_there() -> None:
    pages = [Listing([pod("a", 3)], more="more", version="7"), Listing([pod("b", 5)], version="7")]
    async with follow(*pages, Watching([change("ADDED", pod("c", 8))], hangs=True)) as seen:
        await seen.until(("made", "a"), ("made", "b"), ("made", "c"))
        assert seen.reflector.synced.is_set()
        assert [asked.get("continue") for asked in seen.server.asked] == [None, "more", None]
        assert seen.server.asked[2]["resourceVersion"] == "7"
        assert seen.server.asked[2]["allowWatchBookmarks"] == "true"


async def test_a_change_that_matters_to_nobody_is_not_told() -> None:
    same = change("MODIFIED", pod("a", 4))
    bound = change("MODIFIED", pod("a", 5, node="gpu-0"))
    async with follow(Listing([pod("a", 3)], version="3"), Watching([same, same, bound, bound], hangs=True)) as seen:
        await seen.until(("made", "a"), ("changed", "a"))
        await seen.asked(2)


async def test_an_event_that_comes_twice_or_late_undoes_nothing() -> None:
    lines = [change("MODIFIED", pod("a", 9, node="gpu-0")), change("ADDED", pod("a", 3)), change("ADDED", pod("b", 10))]
    async with follow(Listing([pod("a", 3)], version="3"), Watching(lines, hangs=True)) as seen:
        await seen.until(("made", "a"), ("changed", "a"), ("made", "b"))
        found = seen.reflector.store.find("vision-dev", "a")
        assert found is not None
        assert found.node == "gpu-0"


async def test_a_watch_goes_on_from_the_last_bookmark() -> None:
    async with follow(Listing(version="3"), Watching([bookmark("40")]), Watching(hangs=True)) as seen:
        await seen.asked(3)
        assert seen.server.asked[2]["resourceVersion"] == "40"
        assert seen.reflector.tally.lists == 1


@pytest.mark.parametrize("expired", [Watching([EXPIRED]), Watching(status=410)], ids=["in the stream", "as an answer"])
async def test_a_version_that_is_too_old_leads_to_a_new_list_in_which_what_is_missing_is_gone(expired: Watching) -> None:
    again = Listing([pod("b", 6), pod("c", 7)], version="9")
    async with follow(Listing([pod("a", 2), pod("b", 3)], version="3"), expired, again) as seen:
        await seen.until(("made", "a"), ("made", "b"), ("made", "c"), ("gone", "a"))
        assert seen.names == {"b", "c"}


async def test_a_pod_replaced_under_the_same_name_while_away_is_the_new_one() -> None:
    async with follow(
        Listing([pod("a", 2, uid="old")], version="3"), Watching([EXPIRED]), Listing([pod("a", 8, uid="new")], version="9")
    ) as seen:
        await seen.until(("made", "a"), ("changed", "a"))
        assert seen.reflector.store.find_uid("vision-dev", "a") == "new"


async def test_a_delete_of_the_old_one_does_not_remove_the_new_one() -> None:
    lines = [change("ADDED", pod("a", 8, uid="new")), change("DELETED", pod("a", 7, uid="old")), change("ADDED", pod("b", 9))]
    async with follow(Listing([pod("a", 2, uid="old")], version="3"), Watching(lines, hangs=True)) as seen:
        await seen.until(("made", "a"), ("changed", "a"), ("made", "b"))
        assert seen.names == {"a", "b"}


async def test_a_line_that_breaks_off_is_read_again() -> None:
    whole = change("ADDED", pod("a", 5))
    async with follow(Listing(version="3"), Watching([whole[:40]]), Watching([whole], hangs=True)) as seen:
        await seen.until(("made", "a"))
        assert seen.server.asked[2]["resourceVersion"] == "3"


async def test_a_line_in_two_pieces_is_one() -> None:
    whole = change("ADDED", pod("a", 5))
    async with follow(Listing(version="3"), Watching([whole[:40], whole[40:]], hangs=True)) as seen:
        await seen.until(("made", "a"))


async def test_nonsense_breaks_the_watch_and_not_the_reflector() -> None:
    async with follow(Listing(version="3"), Watching([b"<html>\n"]), Watching([change("ADDED", pod("a", 5))], hangs=True)) as seen:
        await seen.until(("made", "a"))
        assert seen.reflector.tally.failures == 1


def strange(name: str, version: int) -> dict[str, Any]:
    body = pod(name, version)
    body["spec"]["containers"] = [{"resources": {"requests": {"cpu": "lots"}}}]
    return body


async def test_an_object_that_cannot_be_read_hides_no_other() -> None:
    async with follow(
        Listing([strange("x", 4), pod("a", 3)], version="5"),
        Watching([change("ADDED", strange("y", 6)), change("ADDED", pod("b", 7))], hangs=True),
    ) as seen:
        await seen.until(("made", "a"), ("made", "b"))
        assert seen.reflector.tally.unreadable == {("vision-dev", "x"), ("vision-dev", "y")}


async def test_an_object_counts_as_unreadable_until_it_can_be_read_or_is_gone() -> None:
    healed = [change("MODIFIED", pod("x", 6)), change("DELETED", strange("y", 7)), change("ADDED", pod("b", 8))]
    async with follow(Listing([strange("x", 3), strange("y", 4)], version="5"), Watching(healed, hangs=True)) as seen:
        await seen.until(("made", "x"), ("made", "b"))
        assert not seen.reflector.tally.unreadable


async def test_a_list_says_anew_what_cannot_be_read() -> None:
    async with follow(
        Listing([strange("x", 3)], version="5"), Watching([EXPIRED]), Listing([pod("a", 6)], version="7"), Watching(hangs=True)
    ) as seen:
        await seen.until(("made", "a"))
        assert not seen.reflector.tally.unreadable


async def test_what_cannot_be_read_is_named_in_the_log_once(caplog: pytest.LogCaptureFixture) -> None:
    lines = [change("MODIFIED", strange("x", 6)), change("ADDED", pod("b", 7))]
    async with follow(Listing([strange("x", 3)], version="5"), Watching(lines, hangs=True)) as seen:
        await seen.until(("made", "b"))
    [record] = [each for each in caplog.records if each.name == module.__name__]
    assert "Pod vision-dev/x cannot be read" in record.getMessage()
    assert "lots" in record.getMessage()


async def test_what_could_be_read_once_and_cannot_be_read_any_more_goes_when_it_is_deleted() -> None:
    lines = [change("MODIFIED", strange("a", 4)), change("DELETED", strange("a", 5))]
    async with follow(Listing([pod("a", 3)], version="3"), Watching(lines, hangs=True)) as seen:
        await seen.until(("made", "a"), ("gone", "a"))
        assert not seen.names


async def test_a_watch_goes_on_behind_what_it_could_not_read() -> None:
    async with follow(Listing(version="3"), Watching([change("ADDED", strange("x", 9))]), Watching(hangs=True)) as seen:
        await seen.asked(3)
        assert seen.server.asked[2]["resourceVersion"] == "9"


async def test_refusals_are_answered_with_growing_pauses_and_keep_what_is_known() -> None:
    away = [Watching(status=503) for _ in range(6)]
    async with follow(Listing([pod("a", 3)], version="3"), *away, Watching([change("ADDED", pod("b", 4))], hangs=True)) as seen:
        await seen.until(("made", "a"), ("made", "b"))
        assert seen.pauses[-1] > seen.pauses[0]
        assert len(seen.pauses) == 6
        assert seen.reflector.last_error is not None


async def test_a_watch_that_ends_without_a_word_is_not_taken_up_in_a_hurry() -> None:
    async with follow(Listing(version="3"), Watching(), Watching(), Watching(hangs=True)) as seen:
        await seen.asked(4)
        assert len(seen.pauses) == 2


async def test_a_watch_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "INACTIVITY_SECONDS", 0.5)  # a busy machine answers within that
    async with follow(Listing(version="3"), Watching(hangs=True), Watching([change("ADDED", pod("a", 4))], hangs=True)) as seen:
        await seen.until(("made", "a"))
        assert seen.reflector.tally.failures == 1


async def test_a_list_that_fails_in_the_middle_changes_nothing() -> None:
    async with follow(Listing([pod("a", 3)], more="more", version="3"), Listing(status=503), Listing([pod("b", 4)], version="5")) as seen:
        await seen.until(("made", "b"))

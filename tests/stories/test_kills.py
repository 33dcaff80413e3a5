"""Any process may be killed at any moment: a gang is bound whole or not at all, and in the end everything is where it would have been.

Two tenants ask for the whole pool at once, so that half of either would show.
"""

import asyncio
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.stories.cluster import consistently, eventually
from tests.stories.manifests import make_training
from tests.stories.people import OPERATOR as OPERATOR_USER
from tests.stories.story import OURS, PATIENCE_SECONDS, Member, Story

from commonpool.cli.look import read_snapshot
from commonpool.engine.protocol import Engine
from commonpool.kube.rounds import build_round
from commonpool.model.rounds import Round, RoundId, build_line
from commonpool.planner import plan_round

pytestmark = [pytest.mark.story, pytest.mark.timeout(600)]

WHOLE_POOL = {str(rank): f"h100-00{rank + 1}" for rank in range(4)}
"""Where the ranks of a gang of 4 x 8 are in the end, kills or none."""


@dataclass(frozen=True, slots=True)
class Duel:
    """Alice's gang and Bob's, of which one fits. Alice's is the older one."""

    story: Story
    alice: Member
    bob: Member

    def submit(self) -> None:
        self.alice.create(make_training("gang", pods=4))

    def submit_rival(self) -> None:
        self.bob.create(make_training("gang", pods=4))

    def is_promised(self) -> bool:
        return bool(self.story.owed(self.alice, "gang"))

    def await_promise(self) -> None:
        """Return as soon as the Round is there: sooner than its writer has its answer, or nearly so."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS  # noqa: TID251 - a real cluster takes real time
        while not self.is_promised():
            assert time.monotonic() < give_up_at, "no Round"  # noqa: TID251 - the same

    def expect_end(self) -> None:
        """Alice's runs whole, Bob's waits whole, nothing is owed to anybody."""
        eventually(lambda: self.alice.places("gang"), within_seconds=PATIENCE_SECONDS, until=lambda seen: seen == WHOLE_POOL)
        self.alice.expect("gang", "Running")
        self.submit_rival()
        self.bob.expect("gang", "InsufficientCapacity")
        eventually(lambda: not self.story.rounds(), within_seconds=PATIENCE_SECONDS)
        consistently(lambda: self.alice.places("gang"), for_seconds=1, until=lambda seen: seen == WHOLE_POOL)
        assert not self.bob.pods("gang")


@pytest.fixture
def duel(story: Story) -> Iterator[Duel]:
    duel = Duel(story, story.add_tenant("vision", "alice"), story.add_tenant("nlp", "bob"))
    with story.lawful():
        yield duel


def kill(duel: Duel, *names: str) -> None:
    for name in names:
        duel.story.cluster.kill(name)


def test_without_kills_the_gang_ends_on_all_nodes_in_the_order_of_its_ranks(duel: Duel) -> None:
    duel.submit()
    duel.expect_end()


def test_operator_and_scheduler_are_killed_between_round_and_binding(duel: Duel) -> None:
    kill(duel, "scheduler")
    duel.submit()
    duel.await_promise()
    kill(duel, "operator")
    assert not duel.alice.places("gang")
    duel.story.heal()
    duel.expect_end()


def test_the_operator_is_killed_when_all_pods_exist_and_none_is_bound(duel: Duel) -> None:
    kill(duel, "scheduler")
    duel.submit()
    eventually(lambda: len(duel.alice.pods("gang")) == 4, within_seconds=PATIENCE_SECONDS)
    kill(duel, "operator")
    duel.story.cluster.start("scheduler")
    eventually(lambda: duel.alice.places("gang"), within_seconds=PATIENCE_SECONDS, until=lambda seen: seen == WHOLE_POOL)
    duel.story.cluster.start("operator")
    duel.expect_end()


def test_the_operator_is_killed_as_soon_as_its_round_is_there(duel: Duel) -> None:
    duel.submit()
    duel.await_promise()
    kill(duel, "operator")
    duel.story.heal()
    duel.expect_end()


def test_an_operator_that_died_after_its_round_and_before_the_child_is_taken_over(duel: Duel, engines: tuple[Engine, ...]) -> None:
    """That moment cannot be hit from outside; what it leaves behind can be written: the Round that is due, and nothing else."""
    kill(duel, "operator")
    duel.submit()
    snapshot = asyncio.run(read_snapshot(duel.story.cluster.kubeconfig))
    plan = plan_round(snapshot, engines[0])
    left = Round(RoundId(duel.story.epoch(), snapshot.number, 1), tuple(build_line(place) for place in plan.place))
    duel.story.admin.impersonate(OPERATOR_USER).request("POST", f"{OURS}/rounds", build_round(left, 1))
    assert duel.is_promised()
    assert not duel.alice.look("gang", "Job").get("spec")
    duel.story.heal()
    duel.expect_end()


def test_the_scheduler_is_killed_when_a_part_of_the_gang_is_bound(duel: Duel) -> None:
    duel.story.cluster.kill("scheduler", signal.SIGSTOP)
    duel.submit()
    eventually(lambda: len(duel.alice.pods("gang")) == 4, within_seconds=PATIENCE_SECONDS)
    duel.story.cluster.kill("scheduler", signal.SIGCONT)
    while not duel.alice.places("gang"):
        pass
    kill(duel, "scheduler")
    duel.story.heal()
    duel.expect_end()


def test_the_operator_stands_still_longer_than_its_lease_and_goes_on(duel: Duel) -> None:
    duel.story.cluster.kill("operator", signal.SIGSTOP)
    duel.submit()
    consistently(lambda: not duel.is_promised(), for_seconds=11)
    duel.story.cluster.kill("operator", signal.SIGCONT)
    duel.expect_end()


def test_the_apiserver_is_killed_after_the_round_and_comes_back(duel: Duel) -> None:
    duel.submit()
    duel.await_promise()
    kill(duel, "apiserver")
    duel.story.heal()
    duel.expect_end()

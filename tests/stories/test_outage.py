"""The apiserver is away for 20 s: longer than the operator's Lease is good for, and past the grace of a shrink that had been told."""

from datetime import UTC, datetime

import pytest
from tests.stories.acts import Cast, Shrink, expect_end
from tests.stories.cluster import consistently
from tests.stories.manifests import make_training
from tests.stories.story import Story

pytestmark = [pytest.mark.story, pytest.mark.timeout(600)]

AWAY_SECONDS = 20
GRACE_SECONDS = 15
"""Over within the outage, and not before it begins."""


def list_stopped(story: Story) -> list[str]:
    return [process.name for process in story.cluster.processes() if process.state == "stopped"]


def test_the_apiserver_is_away_for_20_s_within_the_grace_of_a_shrink(cast: Cast, story: Story) -> None:
    act = Shrink(cast, grace_seconds=GRACE_SECONDS)
    epoch = story.epoch()
    act.start()
    act.await_half()
    due_at = act.due_at()
    assert act.is_half_done()
    story.cluster.kill("apiserver")
    consistently(lambda: list_stopped(story), for_seconds=AWAY_SECONDS, until=lambda seen: seen == ["apiserver"])
    assert datetime.now(UTC) > due_at  # noqa: TID251 - the cluster's clock is the machine's
    story.heal()
    expect_end(act, story)
    cast.alice.create(make_training("late", pods=2))
    cast.alice.expect("late", "InsufficientCapacity")
    assert story.epoch() == epoch

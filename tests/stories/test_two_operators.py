"""Two operators at once: the older one stands still past its Lease in the middle of what it has decided, and then goes on.

By then the other leads. What the older one had begun is finished by the new one, and the older one writes nothing more.
"""

import signal

import pytest
from tests.stories.acts import Act, expect_end
from tests.stories.cluster import eventually
from tests.stories.rival import NAME, find_credential, standing_by, writes_of
from tests.stories.story import OPERATOR, Story

pytestmark = [pytest.mark.story, pytest.mark.timeout(600)]


def test_an_operator_that_stood_still_past_its_lease_writes_nothing_more(act: Act, story: Story) -> None:
    older, epoch = find_credential(story.cluster), story.epoch()
    with standing_by(story.cluster) as newer:
        act.start()
        story.cluster.kill("operator", signal.SIGSTOP)
        eventually(story.lease, within_seconds=60, until=lambda seen: seen["holderIdentity"] == NAME)
        audit = story.audit()
        story.cluster.kill("operator", signal.SIGCONT)
        act.await_half()
        act.go_on()
        expect_end(act, story)
        assert story.epoch() == epoch + 1
        writes = audit.writes(user=OPERATOR)
        assert writes_of(newer, writes)
        assert not writes_of(older, writes)
    eventually(story.epoch, within_seconds=60, until=lambda seen: seen == epoch + 2)

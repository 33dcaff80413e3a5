"""Any process may be killed while the pool places, shrinks or evicts: what was begun is finished, and all ends where it would have.

Each story proves that it stood half-way when the process died: it stood there before, and it still does when the process is back.
"""

import pytest
from tests.stories.acts import Act, expect_end
from tests.stories.story import Story

pytestmark = [pytest.mark.story, pytest.mark.timeout(600)]

PROCESSES = ("operator", "scheduler", "apiserver", "controller-manager", "etcd")


def test_without_kills_it_ends_like_this(act: Act, story: Story) -> None:
    act.start()
    act.await_half()
    act.go_on()
    expect_end(act, story)


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_is_killed_half_way(name: str, act: Act, story: Story) -> None:
    act.start()
    act.await_half()
    story.cluster.kill(name)
    story.heal()
    assert act.is_half_done()
    act.go_on()
    expect_end(act, story)


def test_the_operator_is_killed_at_the_first_trace_of_its_decision(act: Act, story: Story) -> None:
    act.start()
    story.cluster.kill("operator")
    story.heal()
    act.await_half()
    act.go_on()
    expect_end(act, story)

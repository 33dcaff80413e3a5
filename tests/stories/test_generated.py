"""Thousands of generated manifests, right and broken, on the real apiserver with the operator at work: each is refused with a sentence or
explained, none crashes or stays behind.

`--fuzz N`, `--fuzz-seed S` and `--fuzz-from NUMBER` say which; `make fuzz` sends 10,000.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.fuzz.flood import Answer, Flood, find_bad_refusals
from tests.fuzz.words import Town
from tests.stories.cluster import eventually
from tests.stories.manifests import make_training
from tests.stories.story import Story

pytestmark = [pytest.mark.story, pytest.mark.timeout(3600)]

BATCH = 500
BOUND_SECONDS = 120
SHOWN = 5
ALARMS = ("Traceback", " ERROR ", " CRITICAL ")


@pytest.fixture
def flood(story: Story) -> Iterator[Flood]:
    alice, bob = story.add_tenant("vision", "alice", guaranteed=8), story.add_tenant("nlp", "bob")
    spare = tuple(f"fuzz-{story.mark}-{letter}" for letter in "abcd")
    nobody = f"nobody-{story.mark}"
    story.admin.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": nobody}})
    town = Town(namespaces=(alice.namespace, bob.namespace), nobody=nobody, tenants=(alice.tenant, bob.tenant), spare=spare)
    yield Flood((alice.client, bob.client, story.admin), town)
    for name in (*spare, nobody):
        story.admin.delete(f"/api/v1/namespaces/{name}")


def test_generated_manifests_are_refused_with_a_sentence_or_explained_and_leave_nothing(
    story: Story, flood: Flood, request: pytest.FixtureRequest
) -> None:
    count, seed, first = (int(request.config.getoption(name)) for name in ("--fuzz", "--fuzz-seed", "--fuzz-from"))
    operator = find_operator(story)
    log = story.cluster.log("operator")
    begins = log.stat().st_size
    with story.lawful(pause_seconds=2):
        for start in range(first, first + count, BATCH):
            answers = flood.send(seed, range(start, min(start + BATCH, first + count)))
            try:
                expect_none(find_bad_refusals(answers))
                expect_explained(flood, answers)
            finally:
                flood.clear(answers)
            eventually(partial(flood.find_left, answers), within_seconds=BOUND_SECONDS, until=lambda left: not left)
            assert find_operator(story) == operator, "the operator has gone"
            assert not find_alarms(log, begins)
    alice = story.members[0]
    alice.create(make_training("last", pods=1))
    alice.expect("last", "Running")


def expect_explained(flood: Flood, answers: list[Answer]) -> None:
    """Within the bound; what was changed counts as changed."""
    latest = list({answer.itself: answer for answer in answers if answer.accepted}.values())
    try:
        eventually(lambda: flood.find_unexplained(latest), within_seconds=BOUND_SECONDS, until=lambda silent: not silent)
    except AssertionError:
        expect_none(flood.find_unexplained(latest))


def expect_none(wrong: list[str]) -> None:
    assert not wrong, f"{len(wrong)} of them, the first:\n\n" + "\n".join(wrong[:SHOWN])


def find_operator(story: Story) -> int | None:
    return next(process.pid for process in story.cluster.processes() if process.name == "operator")


def find_alarms(log: Path, begins: int) -> list[str]:
    with log.open("rb") as file:
        file.seek(begins)
        text = file.read().decode(errors="replace")
    return [line for line in text.splitlines() if any(alarm in line for alarm in ALARMS)]

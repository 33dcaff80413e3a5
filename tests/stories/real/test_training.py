"""A training that really trains goes on from where it was while the pool takes places from it and gives them back."""

import json
from pathlib import Path

import pytest
from tests.stories.cluster import eventually
from tests.stories.real.counting import PodLog
from tests.stories.real.footprint import kill_daemon
from tests.stories.real.manifests import SLEEPER, make_training
from tests.stories.story import PATIENCE_SECONDS, Member, Story

from commonpool.local.client import Manifest

pytestmark = [pytest.mark.story, pytest.mark.timeout(900)]

ELASTIC = Path(__file__).with_name("programs").joinpath("elastic.py").read_text(encoding="utf-8")


def read_story(alice: Member) -> list[Manifest]:
    """What rank 0 has told."""
    first = next(pod["metadata"]["name"] for pod in alice.pods("train") if pod["metadata"]["name"].startswith("train-0-"))
    try:
        return [json.loads(line) for line in alice.kubectl("logs", first).splitlines()]
    except (AssertionError, json.JSONDecodeError):  # its kubelet was killed, or it is not there yet
        return []


def find_saved(alice: Member) -> Manifest:
    """What rank 0 has told when it was told to shrink to 4; empty: it was not."""
    return next((line for line in read_story(alice) if line.get("told") == 4), {})


def await_world(alice: Member, size: int, after: int = 0) -> int:
    """Wait until so many ranks have trained together for some steps after step `after`; the last of them."""

    def look() -> int:
        steps = [line["step"] for line in read_story(alice) if "step" in line and line["world"] == size and line["step"] > after]
        return steps[-1] if len(steps) >= 5 else 0

    return eventually(look, within_seconds=PATIENCE_SECONDS)


def test_a_training_shrinks_from_8_to_4_and_grows_again_and_not_a_step_is_lost(
    story: Story, alice: Member, bob: Member, log: PodLog
) -> None:
    alice.create(make_training("train", ELASTIC, gpus=2, least=2, most=8))
    eventually(lambda: len(alice.places("train")), within_seconds=PATIENCE_SECONDS, until=lambda seen: seen == 8)
    at_8 = await_world(alice, 8)

    bob.create(make_training("claim", SLEEPER, gpus=2, least=4, most=4))
    eventually(lambda: alice.look("train")["status"].get("resize"), within_seconds=PATIENCE_SECONDS)
    kill_daemon(story.cluster, alice.places("train")["0"], "kubelet")
    story.cluster.kill("operator")
    story.cluster.start("operator")
    saved = eventually(lambda: find_saved(alice), within_seconds=PATIENCE_SECONDS)
    assert saved["world"] == 4, "it was told, and saved its work, before its ranks were taken"
    bob.expect("claim", "Running")
    eventually(lambda: sorted(alice.places("train")), within_seconds=PATIENCE_SECONDS, until=lambda seen: seen == ["0", "1", "2", "3"])
    at_4 = await_world(alice, 4, after=at_8)

    bob.delete("GPUWorkload", "claim")
    eventually(lambda: len(alice.places("train")), within_seconds=PATIENCE_SECONDS, until=lambda seen: seen == 8)
    await_world(alice, 8, after=at_4)

    told = eventually(lambda: read_story(alice), within_seconds=PATIENCE_SECONDS)
    steps = [line for line in told if "step" in line]
    assert [line["step"] for line in steps] == list(range(1, len(steps) + 1))
    losses = [line["loss"] for line in steps if line["world"] == 8]
    assert losses == sorted(losses, reverse=True)
    assert next(line["step"] for line in steps if line["step"] > saved["saved"]) == saved["saved"] + 1
    eventually(
        lambda: [pod["status"]["phase"] for pod in alice.pods("train")],
        within_seconds=PATIENCE_SECONDS,
        until=lambda seen: seen == ["Running"] * 8,
    )
    log.expect_counted("train", gpus=2)

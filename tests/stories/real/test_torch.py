"""A PyTorch training under torchrun breathes with the pool as if nothing had happened to it: its losses are those of an undisturbed one."""

import datetime as dt
import json
import math
from pathlib import Path

import pytest
import yaml
from tests.stories.cluster import eventually
from tests.stories.real.counting import PodLog
from tests.stories.real.footprint import kill_container
from tests.stories.real.manifests import SLEEPER, make_training
from tests.stories.story import PATIENCE_SECONDS, Member, Story

from commonpool.config import read_settings
from commonpool.errors import SetupError
from commonpool.local.client import Manifest
from commonpool.local.cluster import LocalCluster
from commonpool.local.real.catalogue import make_listed_image
from commonpool.local.teller import LogTeller

pytestmark = [pytest.mark.story, pytest.mark.timeout(1800)]  # the first time the image is made

EXAMPLE = Path(__file__).parents[3] / "examples" / "elastic-pytorch"
NAME = "elastic-pytorch"
RATE, MOMENTUM = 1e-4, 0.9
POINTS, FEATURES = 840, 4
MEETING_SECONDS = 300  # twice as many processes as ranks import PyTorch, and torchrun misses who has gone after 15 seconds


@pytest.fixture(scope="session")
def torch_image(real_cluster: LocalCluster) -> None:
    try:
        image = make_listed_image("torch", read_settings().cache_dir, LogTeller())
    except SetupError as error:
        reason = " ".join(error.message.split())
        pytest.skip(f"no PyTorch from Debian's packages, so a plain-Python worker tells the story (test_training.py): {reason}")
    real_cluster.add_image(image)


def begin(alice: Member) -> None:
    """The example as it is, in her namespace."""
    for manifest in yaml.safe_load_all(alice.kubectl("kustomize", str(EXAMPLE))):
        del manifest["metadata"]["namespace"]
        alice.kubectl("create", "-f", "-", stdin=manifest)


def find_firsts(alice: Member) -> list[Manifest]:
    """The pods that rank 0 has had, in their order."""
    firsts = [pod for pod in alice.pods(NAME) if pod["metadata"]["name"].startswith(f"{NAME}-0-")]
    return sorted(firsts, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))


def read_lines(alice: Member, pod: Manifest) -> list[Manifest]:
    """What a pod of rank 0 has told."""
    try:
        lines = alice.kubectl("logs", pod["metadata"]["name"]).splitlines()
    except AssertionError:  # its container is not there yet
        return []
    return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]


def await_world(alice: Member, size: int, after: int = 0) -> int:
    """Wait until so many ranks have trained together for some steps after step `after`; the last of them."""

    def look() -> int:
        told = [line for first in find_firsts(alice)[-1:] for line in read_lines(alice, first)]
        steps = [line["step"] for line in told if "step" in line and line["world"] == size and line["step"] > after]
        return steps[-1] if len(steps) >= 5 else 0

    return eventually(look, within_seconds=MEETING_SECONDS)


def say_saved(alice: Member) -> None:
    """The pool need not wait for the rest of the grace."""
    told = dt.datetime.fromisoformat(alice.look(NAME)["status"]["resize"]["toldAt"])
    instant = (told + dt.timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    alice.kubectl("annotate", "gpuworkload", NAME, f"commonpool.dev/checkpointed-at={instant}")


def test_a_pytorch_training_goes_on_from_its_checkpoint_through_8_and_4_and_8_ranks(
    story: Story,
    alice: Member,
    bob: Member,
    log: PodLog,
    torch_image: None,  # noqa: ARG001 - the nodes have it
) -> None:
    begin(alice)
    at_8 = await_world(alice, 8)

    bob.create(make_training("claim", SLEEPER, gpus=2, least=4, most=4))
    (lost,) = find_firsts(alice)
    eventually(lambda: any(line.get("told") == 4 for line in read_lines(alice, lost)), within_seconds=PATIENCE_SECONDS)
    story.cluster.kill("operator")
    kill_container(lost)
    say_saved(alice)
    story.cluster.start("operator")
    bob.expect("claim", "Running")
    eventually(lambda: sorted(alice.places(NAME)), within_seconds=PATIENCE_SECONDS, until=lambda seen: seen == ["0", "1", "2", "3"])
    at_4 = await_world(alice, 4, after=at_8)

    bob.delete("GPUWorkload", "claim")
    await_world(alice, 8, after=at_4)
    expect_undisturbed([read_lines(alice, first) for first in find_firsts(alice)])
    log.expect_counted(NAME, gpus=2)


def expect_undisturbed(lives: list[list[Manifest]]) -> None:
    """Of what rank 0 told in its lives: no step that was saved is done again, none is left out, and each has the loss that it must have."""
    step, saved = 0, 0
    losses = train_undisturbed(max(line.get("step", 0) for line in lives[-1]))
    for line in (line for told in lives for line in told):
        if "begins_at" in line:
            assert saved <= line["begins_at"] <= step
            step = line["begins_at"]
        elif "step" in line:
            assert line["step"] == step + 1
            step += 1
            assert line["loss"] == pytest.approx(losses[step - 1], rel=1e-6)
        else:
            assert line["saved"] == step
            saved = step


def train_undisturbed(steps: int) -> list[float]:
    """The losses of the example's training in plain Python: all points in each step, gradient descent with momentum."""
    points = [[math.cos(number * factor) for factor in range(1, FEATURES + 1)] + [1.0] for number in range(POINTS)]
    columns = range(FEATURES + 1)
    curvature = [[sum(point[row] * point[column] for point in points) / POINTS for column in columns] for row in columns]
    error = [-1.0 for _ in columns]  # all weights are 0 and shall become 1
    speed = [0.0 for _ in columns]
    losses = []
    for _ in range(steps):
        slope = [sum(curvature[row][column] * error[column] for column in columns) for row in columns]
        losses.append(sum(error[row] * slope[row] for row in columns))
        speed = [MOMENTUM * speed[row] + 2 * slope[row] for row in columns]
        error = [error[row] - RATE * speed[row] for row in columns]
    return losses

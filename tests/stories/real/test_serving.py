"""A service really serves: its pods follow the load that a client makes, and move and change, and no request is lost."""

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from tests.stories.cluster import eventually, kubectl
from tests.stories.real.manifests import make_job
from tests.stories.story import PATIENCE_SECONDS, Member, Story

from commonpool.errors import ClusterError
from commonpool.local.client import Manifest

pytestmark = [pytest.mark.story, pytest.mark.timeout(900)]

EXAMPLE = Path(__file__).parents[3] / "examples" / "real-service.yaml"
CLIENT = Path(__file__).with_name("programs").joinpath("client.py").read_text(encoding="utf-8")
LEAST = 2
LOOKS = 10


def make_service(version: str = "1") -> Manifest:
    """The example, with two pods at least."""
    body: Manifest = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    inference = body["spec"]["inference"]
    inference["replicas"]["min"] = LEAST
    inference["template"]["spec"]["containers"][0]["env"].append({"name": "VERSION", "value": version})
    return {**body, "metadata": {"name": "echo"}}


def make_client(node: str) -> Manifest:
    """Asks by the name of the Service, through the rules of its node's kube-proxy."""
    job = make_job("client", CLIENT)
    container = job["spec"]["template"]["spec"]["containers"][0]
    container["command"].append("echo")
    job["spec"]["template"]["spec"]["nodeSelector"] = {"kubernetes.io/hostname": node}
    return job


class Client:
    """The pod that asks."""

    def __init__(self, alice: Member, node: str) -> None:
        self._alice = alice
        alice.kubectl("create", "-f", "-", stdin=make_client(node))
        alice.expect("client", "Running")
        self._pod = alice.pods("client")[0]["metadata"]["name"]

    def say(self, file: str, text: str = "") -> None:
        self._alice.kubectl("exec", self._pod, "--", "sh", "-c", f"echo {text} > /tmp/{file}")

    def end(self) -> Manifest:
        """What it has counted."""
        self.say("over")
        self._alice.expect("client", "Completed")
        *failures, last = self._alice.kubectl("logs", self._pod).splitlines()
        assert not failures
        counted: Manifest = json.loads(last)
        return counted


def find_serving(alice: Member, version: str = "") -> list[Manifest]:
    """Pods that are ready and stay."""
    return [
        pod
        for pod in alice.pods("echo")
        if "deletionTimestamp" not in pod["metadata"] and is_ready(pod) and version in ("", read_version(pod))
    ]


def is_ready(pod: Manifest) -> bool:
    return any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", ()))


def read_version(pod: Manifest) -> str:
    return next(str(each["value"]) for each in pod["spec"]["containers"][0]["env"] if each["name"] == "VERSION")


@contextmanager
def never_fewer_than(alice: Member, least: int) -> Iterator[None]:
    """Count the pods that serve again and again while the block runs; a block in which nobody could look proves nothing."""
    over, seen = threading.Event(), list[int]()

    def watch() -> None:
        while not over.wait(0.1):
            try:
                seen.append(len(find_serving(alice)))
            except ClusterError:
                continue  # the machine is busy: look again

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
    assert len(seen) >= LOOKS
    assert min(seen) >= least


def test_a_service_follows_its_load_and_moves_and_changes_and_loses_no_request(story: Story, alice: Member) -> None:
    story.create("GPUQuota", alice.tenant, {"tenant": alice.tenant, "pools": [{"pool": "real", "limit": 6}]})
    alice.create(make_service())
    client = Client(alice, "real-001")
    eventually(lambda: len(find_serving(alice)), within_seconds=PATIENCE_SECONDS, until=lambda seen: seen == LEAST)
    with story.lawful(pause_seconds=0.2):
        client.say("workers", "12")
        eventually(lambda: len(find_serving(alice)), within_seconds=PATIENCE_SECONDS, until=lambda seen: seen == 4)
        client.say("workers", "3")
        eventually(lambda: len(alice.pods("echo")), within_seconds=PATIENCE_SECONDS, until=lambda seen: seen == LEAST)
        with never_fewer_than(alice, LEAST):
            alice.patch("GPUWorkload", "echo", make_service("2"))
            eventually(lambda: len(alice.pods("echo")), within_seconds=PATIENCE_SECONDS, until=lambda seen: seen > LEAST)
            eventually(
                lambda: [read_version(pod) for pod in alice.pods("echo")],
                within_seconds=PATIENCE_SECONDS,
                until=lambda seen: seen == ["2"] * LEAST,
            )
            drain_and_come_back(story, alice)
    counted = client.end()
    sys.stdout.write(f"{counted['failed']} of {counted['requests']} requests failed\n")
    assert counted["failed"] == 0
    assert counted["requests"] > 100
    assert {answer.split()[1] for answer in counted["answers"]} == {"1", "2"}


def drain_and_come_back(story: Story, alice: Member) -> None:
    """`kubectl drain` waits until other pods stand in for those of the node, also when the operator dies meanwhile."""
    left = max(alice.nodes("echo"), key=lambda name: (alice.nodes("echo")[name], name))
    selector = "--pod-selector=app.kubernetes.io/instance=echo"
    try:
        kubectl(story.cluster, "cordon", left)
        eventually(lambda: len(alice.pods("echo")), within_seconds=PATIENCE_SECONDS, until=lambda seen: seen > LEAST)
        story.cluster.kill("operator")
        story.cluster.start("operator")
        kubectl(story.cluster, "drain", left, selector, f"--timeout={PATIENCE_SECONDS}s")
        assert left not in alice.nodes("echo")
    finally:
        kubectl(story.cluster, "uncordon", left)

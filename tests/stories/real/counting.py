"""What the ledger counted against what the kubelets say: of every pod that there was, also of those that are gone."""

import datetime as dt
import json
from collections import Counter
from dataclasses import dataclass, field

from tests.stories.cluster import eventually, kubectl
from tests.stories.story import PATIENCE_SECONDS, Member

from commonpool.local.client import Manifest


@dataclass(slots=True)
class PodLog:
    """All pods of a namespace since this was begun, each as it was seen last.

    The apiserver tells the past for a minute or so: whoever takes longer calls `follow` on the way.
    """

    member: Member
    version: str
    pods: dict[str, Manifest] = field(default_factory=dict)
    """By UID."""

    @classmethod
    def begin(cls, member: Member) -> "PodLog":
        return cls(member, member.client.get(member.path("Pod"))["metadata"]["resourceVersion"])

    def follow(self) -> None:
        """See what has happened since it was looked at last."""
        path = f"{self.member.path('Pod')}?watch=1&resourceVersion={self.version}&timeoutSeconds=1"
        events = [json.loads(line) for line in kubectl(self.member.cluster, "get", "--raw", path).splitlines()]
        assert all(event["type"] in {"ADDED", "MODIFIED", "DELETED"} for event in events), "the past is too long ago"
        for event in events:
            self.pods[event["object"]["metadata"]["uid"]] = event["object"]
            self.version = event["object"]["metadata"]["resourceVersion"]

    def read(self, name: str) -> list[Manifest]:
        """Those that something of that name has made."""
        self.follow()
        return [pod for pod in self.pods.values() if pod["metadata"]["name"].startswith(f"{name}-")]

    def expect_counted(self, name: str, *, gpus: int) -> None:
        """What has ended is in the sum, to the second; what runs is told with when it began."""

        def look() -> tuple[tuple[int, Counter[int]], tuple[int, Counter[int]]]:
            return self._count(name, gpus), read_counted(self.member.look(name)["status"])

        said, counted = eventually(look, within_seconds=PATIENCE_SECONDS, until=lambda seen: seen[0] == seen[1])
        assert said == counted

    def expect_counted_until(self, ended_at: int, name: str, *, gpus: int) -> None:
        """Pods that nobody saw end are in the sum until their Job had ended, which is not before the last of them had."""
        spans = [read_span(pod) for pod in self.read(name)]
        assert all(ended is not None and ended <= ended_at for _, ended in spans)
        counted, running = read_counted(self.member.look(name)["status"])
        assert not running
        assert counted == sum(gpus * (ended_at - begun) for begun, _ in spans)

    def _count(self, name: str, gpus: int) -> tuple[int, Counter[int]]:
        """Accelerator-seconds of the pods that have ended, and accelerators by when they began of those that have not."""
        spans = [read_span(pod) for pod in self.read(name) if "startTime" in pod["status"]]
        running: Counter[int] = Counter()
        for begun, ended in spans:
            if ended is None:
                running[begun] += gpus
        return sum(gpus * (ended - begun) for begun, ended in spans if ended is not None), running


def read_counted(status: Manifest) -> tuple[int, Counter[int]]:
    """The same as the workload's status has it."""
    running: Counter[int] = Counter()
    for span in status.get("spans", ()):
        if not span.get("ended"):
            running[read_time(span["since"])] += span["accelerators"] * count_pods(span)
    return status.get("acceleratorSeconds", 0), running


def count_pods(span: Manifest) -> int:
    return len(span["pods"].split())


def read_span(pod: Manifest) -> tuple[int, int | None]:
    """When the kubelet says that it took the pod, and that the last of its containers ended; None: one runs."""
    states = [each["state"] for each in pod["status"].get("containerStatuses", ())]
    ends = [state["terminated"]["finishedAt"] for state in states if "terminated" in state]
    return read_time(pod["status"]["startTime"]), read_time(max(ends)) if states and len(ends) == len(states) else None


def read_time(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp())

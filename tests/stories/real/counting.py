"""What the ledger counted against what the kubelets say: of every pod that there was, also of those that are gone."""

import datetime as dt
import json
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.stories.cluster import build_kubectl, eventually
from tests.stories.story import PATIENCE_SECONDS, Member

from commonpool.local.client import Manifest


@dataclass(slots=True)
class PodLog:
    """All pods of a namespace since this was begun, each as it was seen last.

    It watches all the while: the apiserver tells the past for a minute or so.
    """

    member: Member
    pods: dict[str, Manifest] = field(default_factory=dict)
    """By UID."""
    _there: dict[str, str] = field(default_factory=dict)
    """Those that have not gone: UID and version."""
    _last: str = ""
    """What the watch has told last."""

    @classmethod
    @contextmanager
    def begin(cls, member: Member) -> Iterator["PodLog"]:
        log = cls(member)
        version = member.client.get(member.path("Pod"))["metadata"]["resourceVersion"]
        path = f"{member.path('Pod')}?watch=1&resourceVersion={version}"
        command = build_kubectl(member.cluster, "get", "--raw", path, user=member.user)
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as watch:
            listener = threading.Thread(target=log._listen, args=(watch.stdout,), name="pods")
            listener.start()
            try:
                yield log
            finally:
                watch.terminate()
                listener.join()

    def _listen(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._last = line
            if not (line.startswith("{") and line.endswith("\n")):  # what went wrong, or what was cut off in the end
                return
            event = json.loads(line)
            if event["type"] not in {"ADDED", "MODIFIED", "DELETED"}:
                return
            pod = event["object"]
            uid = pod["metadata"]["uid"]
            self.pods[uid] = pod
            if event["type"] == "DELETED":
                self._there.pop(uid, None)
            else:
                self._there[uid] = pod["metadata"]["resourceVersion"]

    def read(self, name: str) -> dict[str, Manifest]:
        """Those that something of that name has made until now, by UID."""
        eventually(self._find_unseen, within_seconds=PATIENCE_SECONDS, until=lambda unseen: not unseen)
        return {uid: pod for uid, pod in list(self.pods.items()) if pod["metadata"]["name"].startswith(f"{name}-")}

    def _find_unseen(self) -> str:
        """Why this may not be all that has happened; empty: it is."""
        pods = self.member.client.get(self.member.path("Pod"))["items"]
        there = {pod["metadata"]["uid"]: pod["metadata"]["resourceVersion"] for pod in pods}
        return "" if there == dict(self._there) else f"{there} are there, and the watch has told last: {self._last}"

    def expect_counted(self, name: str, *, gpus: int) -> None:
        """What has ended is in the sum, to the second; what runs is told with when it began.

        Where nobody says when a pod ended (a kubelet that comes back may refuse it), it is in the sum until somebody saw that it had.
        """

        def look() -> tuple[int, int, Counter[int], Counter[int]]:
            lives = [read_life(pod, gone=uid not in self._there) for uid, pod in self.read(name).items() if "startTime" in pod["status"]]
            counted, running = read_counted(self.member.look(name)["status"])
            spare = counted - sum(gpus * (life.ended_at - life.began_at) for life in lives if life.ended_at)
            most = sum(gpus * (read_clock() - life.began_at) for life in lives if life.over and not life.ended_at)
            return spare, most, running, Counter({began_at: gpus * held for began_at, held in count_running(lives).items()})

        eventually(look, within_seconds=PATIENCE_SECONDS, until=lambda seen: 0 <= seen[0] <= seen[1] and seen[2] == seen[3])

    def expect_counted_until(self, ended_at: int, name: str, *, gpus: int) -> None:
        """Pods that nobody saw end are in the sum until their Job had ended, which is not before the last of them had."""
        lives = [read_life(pod, gone=True) for pod in self.read(name).values()]
        assert all(0 < life.ended_at <= ended_at for life in lives)
        counted, running = read_counted(self.member.look(name)["status"])
        assert not running
        assert counted == sum(gpus * (ended_at - life.began_at) for life in lives)


@dataclass(frozen=True, slots=True)
class Life:
    """One pod, as its kubelet tells it; in seconds since 1970."""

    began_at: int
    ended_at: int
    """When the last of its containers did; 0: it runs, or nobody says."""
    over: bool


def read_counted(status: Manifest) -> tuple[int, Counter[int]]:
    """The same as the workload's status has it."""
    running: Counter[int] = Counter()
    for span in status.get("spans", ()):
        if not span.get("ended"):
            running[read_time(span["since"])] += span["accelerators"] * count_pods(span)
    return status.get("acceleratorSeconds", 0), running


def count_pods(span: Manifest) -> int:
    return len(span["pods"].split())


def read_life(pod: Manifest, *, gone: bool) -> Life:
    status = pod["status"]
    states = [each["state"] for each in status.get("containerStatuses", ())]
    ends = [state.get("terminated", {}).get("finishedAt") for state in states]
    ended_at = read_time(max(ends)) if ends and all(ends) else 0
    return Life(read_time(status["startTime"]), ended_at, bool(ended_at) or gone or status["phase"] in {"Succeeded", "Failed"})


def count_running(lives: Iterable[Life]) -> Counter[int]:
    """By when they began."""
    return Counter(life.began_at for life in lives if not life.over)


def read_time(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp())


def read_clock() -> int:
    return int(time.time())  # noqa: TID251 - the kubelets' and the operator's too

"""Three things that the pool does in several steps, each held up half-way for as long as a story likes, and how each ends.

Where everything is in the end does not depend on what happens to the processes meanwhile: `END` is the same without any
kill, down to the node of each rank and to who was evicted.
"""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, Protocol, TypeVar

from tests.stories.cluster import consistently, eventually, make_job
from tests.stories.manifests import make_training
from tests.stories.story import PATIENCE_SECONDS, RANK, Member, Story

from commonpool.local.client import Manifest

T = TypeVar("T")
GATE = "stories.example/hold"


@dataclass(frozen=True, slots=True)
class End:
    """What is left of one workload: the word for its state, its replicas, the node of each rank, and why it was evicted."""

    state: str
    replicas: str
    places: dict[str, str]
    evicted: str = ""


class Act(Protocol):
    """`start`, `await_half`, and it stays there until `go_on`."""

    END: ClassVar[dict[str, End]]

    def start(self) -> None:
        """Bring about the decision, and return at its first trace: sooner than its writer has its answer, or nearly so."""
        ...

    def await_half(self) -> None: ...

    def is_half_done(self) -> bool: ...

    def go_on(self) -> None: ...

    def look(self) -> dict[str, End]: ...


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays: alice holds what bob's guarantee is about."""

    story: Story
    alice: Member
    bob: Member

    def look(self, member: Member, name: str) -> End:
        status = member.look(name)["status"]
        rule = status.get("lastEviction", {}).get("rule", "")
        return End(member.state(name), status.get("replicas", {}).get("summary", ""), member.places(name), rule)


@dataclass(frozen=True, slots=True)
class Place:
    """A gang is promised whole; three of its pods are bound, and somebody else's gate keeps the fourth. A rival waits whole."""

    cast: Cast
    END: ClassVar[dict[str, End]] = {
        "gang": End("Running", "4/4", {str(rank): f"h100-00{rank + 1}" for rank in range(4)}),
        "rival": End("InsufficientCapacity", "0/4", {}),
    }

    def start(self) -> None:
        gang = make_job("gang", pods=4, gpus=8)
        gang["spec"]["template"]["spec"]["schedulingGates"] = [{"name": GATE}]
        self.cast.alice.create(gang)
        at_once(lambda: self.cast.story.owed(self.cast.alice, "gang"))

    def await_half(self) -> None:
        eventually(lambda: len(self._gated()) == 4, within_seconds=PATIENCE_SECONDS)
        self.cast.bob.create(make_training("rival", pods=4))
        for pod in self._gated():
            if rank_of(pod) != 3:
                self._open(pod)
        eventually(self.is_half_done, within_seconds=PATIENCE_SECONDS)

    def is_half_done(self) -> bool:
        running = [rank_of(pod) for pod in self.cast.alice.pods("gang") if pod["status"]["phase"] == "Running"]
        return (
            sorted(running) == [0, 1, 2]
            and set(self.cast.alice.places("gang")) == {"0", "1", "2"}
            and bool(self.cast.story.owed(self.cast.alice, "gang"))
        )

    def go_on(self) -> None:
        for pod in self._gated():
            self._open(pod)

    def look(self) -> dict[str, End]:
        return {"gang": self.cast.look(self.cast.alice, "gang"), "rival": self.cast.look(self.cast.bob, "rival")}

    def _gated(self) -> list[Manifest]:
        return [pod for pod in self.cast.alice.pods("gang") if pod["spec"].get("schedulingGates")]

    def _open(self, pod: Manifest) -> None:
        self.cast.story.admin.request("PATCH", self.cast.alice.path("Pod", pod["metadata"]["name"]), {"spec": {"schedulingGates": None}})


@dataclass(frozen=True, slots=True)
class Shrink:
    """An elastic gang is told to give back two of four places, has an hour for it, and has not saved its work yet."""

    cast: Cast
    grace_seconds: int = 3600
    END: ClassVar[dict[str, End]] = {
        "pretrain": End("Running", "2/2", {"0": "h100-001", "1": "h100-002"}),
        "claim": End("Running", "2/2", {"0": "h100-003", "1": "h100-004"}),
    }

    def start(self) -> None:
        alice, bob = self.cast.alice, self.cast.bob
        body = make_training("pretrain", pods=1)
        checkpoint = {"intervalSeconds": 600, "graceSeconds": self.grace_seconds}
        body["spec"]["training"] |= {"replicas": {"min": 1, "max": 4}, "checkpoint": checkpoint}
        alice.create(body)
        eventually(lambda: self.cast.look(alice, "pretrain").replicas, within_seconds=PATIENCE_SECONDS, until=lambda seen: seen == "4/4")
        bob.create(make_training("claim", pods=2))
        at_once(self._told)

    def await_half(self) -> None:
        eventually(self.is_half_done, within_seconds=PATIENCE_SECONDS)

    def is_half_done(self) -> bool:
        parallelism = self.cast.alice.look("pretrain", "Job")["spec"]["parallelism"]
        return self._told().get("replicas") == 2 and parallelism == len(self.cast.alice.places("pretrain")) == 4

    def go_on(self) -> None:
        told_at = datetime.fromisoformat(self._told()["toldAt"]).replace(microsecond=0)
        now = eventually(lambda: datetime.now(UTC), until=lambda now: (now - told_at).total_seconds() > 1)  # noqa: TID251 - the cluster's clock
        saved_at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        self.cast.alice.patch("GPUWorkload", "pretrain", {"metadata": {"annotations": {"commonpool.dev/checkpointed-at": saved_at}}})

    def look(self) -> dict[str, End]:
        return {"pretrain": self.cast.look(self.cast.alice, "pretrain"), "claim": self.cast.look(self.cast.bob, "claim")}

    def due_at(self) -> datetime:
        """When its grace is over."""
        return datetime.fromisoformat(self._told()["at"])

    def _told(self) -> Manifest:
        resize: Manifest = self.cast.alice.look("pretrain")["status"].get("resize", {})
        return resize


@dataclass(frozen=True, slots=True)
class Evict:
    """Of two gangs the cheaper one is stopped for a claim; its Job is suspended, and its pods take their time to end."""

    cast: Cast
    END: ClassVar[dict[str, End]] = {
        "old": End("Running", "2/2", {"0": "h100-001", "1": "h100-002"}),
        "spot": End("InsufficientCapacity", "0/2", {}, "ReclaimedForGuarantee"),
        "claim": End("Running", "2/2", {"0": "h100-003", "1": "h100-004"}),
    }

    def start(self) -> None:
        alice, bob, cluster = self.cast.alice, self.cast.bob, self.cast.story.cluster
        for body in (make_training("old", pods=2), make_training("spot", pods=2, tier="Spot")):
            alice.create(body)
            alice.expect(body["metadata"]["name"], "Running")
        consistently(lambda: alice.state("spot"), for_seconds=1, until=lambda seen: seen == "Running")  # what began this second is spared
        cluster.kill("kwok", signal.SIGSTOP)  # it plays the kubelets, which end the pods
        bob.create(make_training("claim", pods=2))
        at_once(lambda: self.cast.look(alice, "spot").evicted)

    def await_half(self) -> None:
        eventually(self.is_half_done, within_seconds=PATIENCE_SECONDS)

    def is_half_done(self) -> bool:
        pods = self.cast.alice.pods("spot")
        suspended = self.cast.alice.look("spot", "Job")["spec"]["suspend"]
        return suspended and len(pods) == 2 and all("deletionTimestamp" in pod["metadata"] for pod in pods)

    def go_on(self) -> None:
        self.cast.story.cluster.kill("kwok", signal.SIGCONT)

    def look(self) -> dict[str, End]:
        alices = {name: self.cast.look(self.cast.alice, name) for name in ("old", "spot")}
        return alices | {"claim": self.cast.look(self.cast.bob, "claim")}


ACTS: tuple[Callable[[Cast], Act], ...] = (Place, Shrink, Evict)


def expect_end(act: Act, story: Story) -> None:
    """It is over, nothing is owed to anybody any more, and it stays so."""
    eventually(act.look, within_seconds=PATIENCE_SECONDS, until=lambda seen: seen == act.END)
    eventually(lambda: not story.rounds(), within_seconds=PATIENCE_SECONDS)
    consistently(act.look, for_seconds=1, until=lambda seen: seen == act.END)


def at_once(look: Callable[[], T]) -> None:
    """Return as soon as it is there."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS  # noqa: TID251 - a real cluster takes real time
    while not look():
        assert time.monotonic() < give_up_at, "nothing came"  # noqa: TID251 - the same


def rank_of(pod: Manifest) -> int:
    return int(pod["metadata"]["labels"][RANK])

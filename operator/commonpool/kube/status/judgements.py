"""The four conditions of a workload, each with the same words as metrics, events and the command line.

Admitted: it may run here at all. Placed: all its pods have their places. Running: its pods
run. Succeeded: Unknown until it ends; its reason is the state that `kubectl get` shows.
"""

from dataclasses import dataclass

from commonpool.api.conditions import Condition, find_condition
from commonpool.kube.load import Load
from commonpool.kube.status.conditions import Answer, Judgement
from commonpool.kube.status.progress import Outcome
from commonpool.model.plan import Hold
from commonpool.model.reasons import Reason


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a workload now."""

    outcome: Outcome | None
    hold: Hold | None
    refusal: str
    """Why the API refused its children; empty if it did not."""
    message: str
    tenant: str
    pool: str
    places: int
    bound: int
    """Places that a pod has taken."""
    ready: int
    want: int
    """Pods that have a place or need one; of a service no more than it is meant to have."""
    accelerators: int
    together: bool
    """Its pods run all at once or are of no use."""
    why: str
    done: int = 0
    """Pods of a gang that have done their part and hold nothing any more."""
    lost: int = 0
    """Pods of a gang that have failed, and that nobody has made anew or counted out yet."""
    remarks: tuple[str, ...] = ()
    """What it asks for and does not get yet."""
    ending: bool = False
    """It will end with what happens now, and nobody has said yet how."""
    least: int = 0
    """Of elastic work, so many pods are enough to run; 0: it is not elastic."""
    evicted: str = ""
    """Why it gives its place back, as long as it does."""
    shrinking: str = ""
    """What it is to give back, and why."""
    idle: str = ""
    """Why there is no pod that could be given a place."""
    unstarted: str = ""
    """Which of its pods cannot start in its place, and why."""
    began: bool = False
    """It had its places before anything was said of it."""

    @property
    def total(self) -> int:
        """Pods that it has, needs, or had until they were done."""
        return self.want + self.done

    @property
    def have_places(self) -> bool:
        """Whether it holds anything."""
        return self.places > 0

    @property
    def placed(self) -> bool:
        """Whether every pod that it wants has a place, or had it until it failed."""
        return self.have_places and self.places + self.lost >= self.want

    @property
    def running(self) -> bool:
        """Whether what it is for is being done."""
        if self.evicted or not self.ready:
            return False
        return not self.together or 0 < self.least <= self.ready or (self.placed and self.ready >= self.places)


def judge(standing: Standing, previous: list[Condition]) -> list[Judgement]:
    """Say how it stands. After the end it stays admitted and placed if it was; just before it, everything is kept."""
    if standing.outcome is not None:
        return _judge_end(standing, previous)
    if standing.ending and previous:
        return [Judgement(each.type, each.status, each.reason, each.message) for each in previous]
    state, sentence = find_state(standing)
    return [
        _judge_admission(standing),
        _judge_placement(standing, previous),
        Judgement("Running", "True", state, sentence)
        if state in {Reason.RUNNING, Reason.SHRINKING}
        else Judgement("Running", "False", state, sentence),
        Judgement("Succeeded", "Unknown", state, sentence),
    ]


def judge_load(load: Load | None) -> list[Judgement]:
    """Whether a service can follow its load."""
    if load is None:
        return []
    if load.problem:
        return [Judgement("FollowsLoad", "False", Reason.LOAD_UNKNOWN, f"it keeps its size: {load.problem}")]
    return [Judgement("FollowsLoad", "True", Reason.LOAD_KNOWN, "its size follows its load")]


def _judge_end(standing: Standing, previous: list[Condition]) -> list[Judgement]:
    completed = standing.outcome is Reason.COMPLETED
    told = find_condition(previous, "Succeeded")
    if told is not None and told.status != "Unknown":
        sentence = told.message
    else:
        sentence = "it has run to its end" if completed else standing.message or "it failed"
    reason = Reason.COMPLETED if completed else Reason.FAILED
    return [
        _keep(previous, "Admitted", Judgement("Admitted", "True", Reason.QUEUED, _admitted(standing))),
        _keep(
            previous,
            "Placed",
            Judgement("Placed", "True" if completed or standing.began else "False", reason, sentence),
            at_least=True,
        ),
        Judgement("Running", "False", reason, sentence),
        Judgement("Succeeded", "True" if completed else "False", reason, sentence),
    ]


def _keep(previous: list[Condition], kind: str, otherwise: Judgement, *, at_least: bool = False) -> Judgement:
    """What was said before; `at_least`: unless that was not True."""
    before = find_condition(previous, kind)
    if before is None or (at_least and before.status != "True"):
        return otherwise
    return Judgement(kind, before.status, before.reason, before.message)


def find_state(standing: Standing) -> tuple[Reason, str]:
    """The one word for where it is, and its sentence."""
    if standing.refusal:
        return Reason.CHILD_REFUSED, standing.refusal
    if standing.evicted:
        return Reason.EVICTED, standing.evicted
    if standing.running and standing.shrinking:
        return Reason.SHRINKING, standing.shrinking
    if standing.have_places:
        return _with_unstarted(standing, *_find_progress(standing))
    if standing.hold is not None:
        return standing.hold.reason, standing.hold.message
    return (Reason.NO_PODS, standing.idle) if standing.idle else (Reason.QUEUED, "it is in the queue and has not been looked at yet")


def _with_unstarted(standing: Standing, state: Reason, sentence: str) -> tuple[Reason, str]:
    """What runs goes on running beside a pod that does not."""
    if not standing.unstarted:
        return state, sentence
    return (state if standing.running else Reason.CANNOT_START), f"{sentence}; {standing.unstarted}"


def _find_progress(standing: Standing) -> tuple[Reason, str]:
    """How far what has places is."""
    alone = standing.total == 1
    pods, run, have = ("pod", "runs", "has") if alone else ("pods", "run", "have")
    if standing.running:
        done = f", {standing.done} {'is' if standing.done == 1 else 'are'} done" if standing.done else ""
        return Reason.RUNNING, f"{standing.ready} of {standing.total} {pods} {run} in pool `{standing.pool}`{done}"
    if standing.bound and standing.bound == standing.places:
        nodes = "its node" if alone else "their nodes"
        sentence = f"{standing.bound + standing.done} of {standing.total} {pods} {have} {nodes} in pool `{standing.pool}`"
        return Reason.STARTING, f"{sentence}, {standing.ready} ready"
    places = "a place" if alone else "places"
    sentence = f"{standing.places + standing.done} of {standing.total} {pods} {have} {places} promised in pool `{standing.pool}`"
    return Reason.PLACED, f"{sentence}; {standing.message}" if standing.message else sentence


def _judge_admission(standing: Standing) -> Judgement:
    hold = standing.hold
    if hold is not None and not hold.position and not standing.have_places:
        return Judgement("Admitted", "False", hold.reason, hold.message)
    if not standing.tenant:
        return Judgement("Admitted", "Unknown", Reason.QUEUED, "it has not been looked at yet")
    return Judgement("Admitted", "True", Reason.QUEUED, _admitted(standing))


def _admitted(standing: Standing) -> str:
    return "; ".join((f"it may run for tenant `{standing.tenant}`" if standing.tenant else "it may run", *standing.remarks))


def _judge_placement(standing: Standing, previous: list[Condition]) -> Judgement:
    if standing.placed:
        before = find_condition(previous, "Placed")
        known = before.reason if before is not None and before.status == "True" else ""
        pods = "its pod has its place" if standing.total == 1 else f"all {standing.total} pods have their places"
        return Judgement("Placed", "True", standing.why or known or Reason.PLACED, f"{pods} in pool `{standing.pool}`")
    answer: Answer = "False" if standing.hold is not None or standing.have_places or standing.tenant else "Unknown"
    reason = standing.hold.reason if standing.hold is not None else Reason.NO_PODS if standing.idle else Reason.QUEUED
    pods = "pod has its place" if standing.total == 1 else "pods have their places"
    sentence = f"{standing.places + standing.done} of {standing.total} {pods}"
    return Judgement("Placed", answer, reason, f"{sentence}; {standing.hold.message}" if standing.hold is not None else sentence)

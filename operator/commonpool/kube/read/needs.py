"""Which pods of a workload have no place yet, and how many of them must start together."""

from collections.abc import Sequence
from dataclasses import dataclass

from commonpool.api.inference import Inference
from commonpool.kube.facts import ChildFact, PodView
from commonpool.kube.load import least_pods
from commonpool.kube.read.elastic import find_ceiling, find_growth, find_sizes, ranks, read_resize
from commonpool.kube.read.runs import Run
from commonpool.kube.read.stalls import explain_missing
from commonpool.model.amounts import Amounts
from commonpool.model.ids import ANY_SEAT, Seat
from commonpool.model.ledger import Promise
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Blocked


@dataclass(frozen=True, slots=True)
class Needs:
    """Seats without a place; if `blocked`, why none may be given to them yet."""

    seats: tuple[Seat, ...] = ()
    least: int = 0
    blocked: Blocked | None = None
    pods: tuple[PodView, ...] = ()
    """The pods that sit in `seats`, if they exist: all ask for the same accelerators."""


NO_NEEDS = Needs()


def read_needs(run: Run, most: int) -> Needs:
    """What a workload still needs; `most`: a bound on the pods that could have places at all. Tenants may ask for any number."""
    if run.finished or (run.own is not None and run.own.terminating):
        return NO_NEEDS
    if run.made is not None and (run.made.terminating or run.made.failing):
        return NO_NEEDS
    if run.own is None:
        return NO_NEEDS  # until something stands for it that can tell why it waits
    if run.queued and run.leaving:
        return NO_NEEDS  # until its pods have ended
    if run.independent and read_resize(run) is not None:
        return NO_NEEDS  # until those have ended that are to go: a place that it got meanwhile would be one too many again
    return _native_needs(run, most) if run.native else _written_needs(run, most)


def count_wanted(run: Run) -> int:
    """How many pods a native workload should have: what starts together, or what stays up."""
    spec = run.own.parsed.spec if run.own is not None and run.own.parsed is not None else None
    if spec is None:
        return 0
    if spec.training is not None:
        return spec.training.replicas.min
    if spec.hpc is not None:
        return spec.hpc.nodes
    return _within_reach(run, _count_replicas(run, spec.inference)) if spec.inference is not None else 0


def _count_replicas(run: Run, inference: Inference) -> int:
    """What its load asks for; as long as nobody knows that, what it has."""
    least = least_pods(inference)
    if inference.target is None:
        return least
    if run.load is not None and run.load.desired is not None:
        wanted = run.load.desired
    else:
        wanted = count_asked(run.made) if run.made is not None else max(1, least)
    return max(least, min(wanted, inference.replicas.max))


def _within_reach(run: Run, wanted: int) -> int:
    """Pods that could never have a place are not made; none that has one is taken away for it."""
    return wanted if run.reach is None else min(wanted, max(run.reach.pods, sum(pod.holds for pod in run.pods)))


def count_asked(made: ChildFact) -> int:
    """How many pods a service was to have when its `replicas` were written last, those that stand in for others not counted."""
    return made.replicas if made.asked is None else made.asked


def find_bound(run: Run) -> int | None:
    """How many places a workload will use at most, where that can change after they were promised; None: what it has pods for."""
    if run.leaving and run.queued:
        return 0
    ceiling = find_ceiling(run)
    if ceiling is not None:
        return ceiling
    if run.native and (run.made is None or run.child.kind == "Deployment"):
        return count_wanted(run)
    return run.made.replicas if run.made is not None and run.queued else None


def _native_needs(run: Run, most: int) -> Needs:
    gang = run.child.kind == "Job"
    if run.made is None or run.queued:
        wanted = count_wanted(run)
        if gang and wanted > most:
            return _too_many(wanted, most)
        sizes = find_sizes(run)
        leftover = sum(not pod.finished for pod in run.pods)
        owed = len(run.promises)  # of a gang all or none, of a service perhaps a part
        seats = _all_seats(0 if gang and owed else max(0, min(sizes.max if sizes else wanted, most) - owed), ranked=gang)
        blocked = Blocked(Reason.WAITS_FOR_OTHER, f"waits until `{leftover}` pods of its former run have ended") if leftover else None
        return Needs(seats, min(wanted if gang else 1, len(seats)), blocked)
    if gang:
        needs = _pending_gang(run, run.made.remaining, most)
        return needs if needs.seats or needs.blocked else Needs(find_growth(run, most))
    return _service(run)


def _written_needs(run: Run, most: int) -> Needs:
    made = run.made
    if made is None or made.key.kind != "Job":
        return _service(run)
    if not made.suspended:
        return _pending_gang(run, made.remaining, most)
    if made.replicas > most:
        return _too_many(made.replicas, most)
    seats = () if run.promises else _all_seats(made.replicas, ranked=made.ranked)
    if not made.held:
        blocked = Blocked(Reason.SUSPENDED_BY_OWNER, "its owner has suspended it: set `spec.suspend` to `false` to let it queue")
        return Needs(seats, len(seats), blocked)
    return Needs(seats, len(seats))


def _all_seats(count: int, *, ranked: bool) -> tuple[Seat, ...]:
    return ranks(0, count) if ranked else (ANY_SEAT,) * count


def _too_many(count: int, most: int) -> Needs:
    """A Job may ask for two thousand million pods: that is said, and not counted out."""
    message = f"`{count}` pods are more than one gang can have here: at most `{most}` start together"
    return Needs(blocked=Blocked(Reason.GANG_LARGER_THAN_POOL, message))


def _pending_gang(run: Run, expected: int, most: int) -> Needs:
    """A Job's pods without a place. The first of them start together, so all of them must exist."""
    pending = sorted(_pending(run), key=lambda pod: (pod.rank, pod.name))
    if run.promises or any(pod.holds for pod in run.pods):
        if run.misses_pods and not pending:
            return Needs((ANY_SEAT,) * min(expected - len(run.pods), most), 1, explain_missing(run))
        return _named(pending, 1)
    blocked = None
    if run.misses_pods:
        blocked = explain_missing(run)
    elif 0 < len(pending) < expected:
        blocked = Blocked(Reason.STARTING, f"waits until all `{expected}` of its pods exist; `{len(pending)}` do")
    return _named(pending, len(pending), blocked)


def _service(run: Run) -> Needs:
    """Pods that come and go one by one."""
    pending = _pending(run)
    missing = run.misses_pods and not run.promises and not run.pods
    return _named(pending, 1, explain_missing(run) if missing else None)


def _named(pods: Sequence[PodView], least: int, blocked: Blocked | None = None) -> Needs:
    """One promise has one shape: pods that ask for other accelerators than the first of them wait for the next round."""
    alike = tuple(pod for pod in pods if pod.shape.extended == pods[0].shape.extended)
    return Needs(tuple(Seat(pod=pod.name) for pod in alike), min(least, len(alike)), blocked, alike)


def _pending(run: Run) -> list[PodView]:
    """Pods that wait and that no outstanding promise will take."""
    waiting = [pod for pod in run.pods if pod.node is None and not pod.finished and not pod.terminating]
    if not run.promises:
        return waiting
    by_name = {promise.entry.seat.pod: promise for promise in run.promises if promise.entry.seat.pod}
    by_rank = {promise.entry.seat.rank: promise for promise in run.promises if promise.entry.seat.rank >= 0}
    free = [promise for promise in run.promises if promise.entry.seat == ANY_SEAT]
    left = []
    for pod in waiting:
        own = by_name.get(pod.name) or by_rank.get(pod.rank)
        if own is not None:
            if not admits(own, pod):
                left.append(pod)
        elif not _take(free, pod):
            left.append(pod)
    return left


def _take(free: list[Promise], pod: PodView) -> bool:
    taken = next((promise for promise in free if admits(promise, pod)), None)
    if taken is not None:
        free.remove(taken)
    return taken is not None


def admits(promise: Promise, pod: PodView) -> bool:
    """Whether the scheduler plugin would let the pod use the promise."""
    line = promise.line
    asked = pod.shape.amounts(line.resource_name)
    return (
        asked.gpu_milli == line.shape.gpu_milli
        and asked.cpu_milli <= line.shape.cpu_milli
        and asked.memory_bytes <= line.shape.memory_bytes
    )


def largest(amounts: Sequence[Amounts]) -> Amounts:
    """What any of the pods fits into."""
    return Amounts(
        max(each.gpu_milli for each in amounts),
        max(each.cpu_milli for each in amounts),
        max(each.memory_bytes for each in amounts),
        max(each.pods for each in amounts),
    )

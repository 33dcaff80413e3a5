"""Training that may grow and shrink: its sizes, the ranks that it may still take; and the shrink that it, or a service, was told of."""

from functools import lru_cache

from commonpool.api.training import Replicas
from commonpool.kube.read.runs import Run
from commonpool.model.ids import Seat
from commonpool.model.snapshot import Elastic, Resize


def find_sizes(run: Run) -> Replicas | None:
    """From and to, as its owner wrote them; None if it has one size only."""
    parsed = run.own.parsed if run.native and run.own is not None else None
    training = parsed.spec.training if parsed is not None else None
    return training.replicas if training is not None and training.replicas.min < training.replicas.max else None


def read_elastic(run: Run) -> Elastic | None:
    """What sizes it may have now; one of whose ranks some have succeeded is ending, and keeps its size."""
    sizes = find_sizes(run)
    ending = run.made is not None and run.made.remaining < run.made.replicas
    return None if sizes is None or ending else Elastic(sizes.min, sizes.max, sizes.step)


def find_ceiling(run: Run) -> int | None:
    """Places of ranks from here on are not kept for it; None if it is not elastic."""
    sizes = find_sizes(run)
    if sizes is None:
        return None
    resize = run.status.resize
    return sizes.max if resize is None or run.queued or run.made is None else min(sizes.max, resize.replicas)


def find_growth(run: Run, most: int) -> tuple[Seat, ...]:
    """The ranks below `most` that it may grow by, once its size is settled: all are there, nothing is promised or being taken back."""
    sizes = find_sizes(run)
    if sizes is None or run.made is None or read_elastic(run) is None or run.promises or run.status.resize is not None:
        return ()
    present = [pod for pod in run.pods if not pod.finished]
    settled = len(present) == run.made.replicas and all(pod.holds and not pod.terminating for pod in present)
    return ranks(run.made.replicas, min(sizes.max, most)) if settled else ()


def read_resize(run: Run) -> Resize | None:
    """The shrink that it has been told of, as long as pods that are to go still hold their places; of a service those promised too."""
    told = run.status.resize
    promised = len(run.promises) if run.independent else 0
    if told is None or sum(pod.holds for pod in run.pods) + promised <= told.replicas:
        return None
    return Resize(told.replicas, int(told.at.timestamp()))


def count_ranks(run: Run) -> int:
    """The size that it can have with what is promised to it: all ranks from its present size on, without a gap."""
    size = run.made.replicas if run.made is not None and not run.queued else 0
    promised = {promise.entry.seat.rank for promise in run.promises}
    while size in promised:
        size += 1
    return size


@lru_cache(maxsize=1024)
def ranks(first: int, end: int) -> tuple[Seat, ...]:
    """The seats of these ranks."""
    return tuple(Seat(rank=rank) for rank in range(first, end))

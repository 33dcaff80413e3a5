"""What becomes of a workload in memory: pure steps from one state to the next, as the live operator reads them from the cluster."""

from collections.abc import Collection
from dataclasses import replace

from commonpool.model.elastic import split_at
from commonpool.model.ids import Seat
from commonpool.model.plan import Place
from commonpool.model.snapshot import Holding, Workload


def promise(workload: Workload, place: Place, now_at: int) -> Workload:
    """It is promised these places. Elastic work then needs nothing more until all its pods run."""
    since_at = now_at if workload.independent else 0
    promised = tuple(Holding(entry.node, place.pool, entry.seat, False, place.shape, since_at) for entry in place.entries)
    needs = () if _is_whole(workload) else workload.needs[len(promised) :]
    return replace(
        workload,
        holdings=workload.holdings + promised,
        needs=needs,
        needs_min=min(1, len(needs)),
        started_at=workload.started_at if workload.begun else now_at,
    )


def _is_whole(workload: Workload) -> bool:
    """Whether what it still asks for beyond this placement is only what it may grow by."""
    return workload.elastic is not None and (not workload.begun or workload.needs_min == 0)


def bind(workload: Workload, pods: int) -> Workload:
    """The scheduler binds so many of its promised pods, in order."""
    promised = [holding for holding in workload.holdings if not holding.bound][:pods]
    return replace(
        workload, holdings=tuple(replace(holding, bound=True) if holding in promised else holding for holding in workload.holdings)
    )


def settle(workload: Workload) -> Workload:
    """Elastic work all of whose pods run may grow by the ranks above them."""
    elastic = workload.elastic
    running = all(holding.bound for holding in workload.holdings)
    if elastic is None or not workload.begun or workload.needs or workload.resize or workload.leaving or not running:
        return workload
    return replace(workload, needs=tuple(Seat(rank=rank) for rank in range(len(workload.holdings), elastic.most)), needs_min=0)


def lose(workload: Workload, lost: Collection[Holding], wish: Workload) -> Workload:
    """Some of its places are gone: it needs them again, or, if none is left, all that it was submitted with."""
    kept = tuple(holding for holding in workload.holdings if holding not in lost)
    if not kept and (workload.leaving or workload.elastic is not None):
        return requeue(workload, wish)
    if workload.leaving:
        return replace(workload, holdings=kept)
    if workload.independent:
        done = workload.resize is None or len(kept) <= workload.resize.keep
        return remake(replace(workload, holdings=kept, resize=None if done else workload.resize), wish)
    keep = workload.resize.keep if workload.resize is not None else len(workload.holdings) + len(workload.needs)
    missing = () if workload.elastic is not None and workload.needs_min == 0 else workload.needs
    needs = tuple(sorted((*missing, *(holding.seat for holding in lost if holding.seat.rank < keep))))
    return replace(workload, holdings=kept, needs=needs, needs_min=min(1, len(needs)) if kept else len(needs))


def shrink(workload: Workload, wish: Workload) -> Workload:
    """The shrink that it was told of is done; if the pods that were to stay are lost, nothing of it is left."""
    if workload.resize is None:
        return workload
    kept = split_at(workload, workload.resize.keep)[0]
    return remake(replace(workload, holdings=kept, resize=None), wish) if kept else requeue(workload, wish)


def remake(workload: Workload, wish: Workload) -> Workload:
    """Whoever made independent pods makes others for those that are gone; they wait until a shrink is done."""
    if not workload.independent or workload.resize is not None:
        return workload
    seats = [*(holding.seat for holding in workload.holdings), *workload.needs]
    newest = max((int(seat.pod) for seat in seats), default=0)
    missing = max(0, len(wish.needs) - len(seats))
    needs = (*workload.needs, *(Seat(pod=f"{newest + number:04}") for number in range(1, missing + 1)))
    return replace(workload, needs=needs, needs_min=min(1, len(needs)), started_at=workload.started_at if workload.begun else 0)


def requeue(workload: Workload, wish: Workload) -> Workload:
    """It holds nothing any more and waits again, as old as it is."""
    return replace(
        workload, holdings=(), needs=wish.needs, needs_min=wish.needs_min, resize=None, leaving=False, started_at=0, checkpointed_at=0
    )

"""Which places a workload is giving back, and what sizes elastic work may have."""

from collections.abc import Iterable

from commonpool.model.snapshot import Elastic, Holding, Workload


def sort_by_rank(holdings: Iterable[Holding]) -> list[Holding]:
    """Places of a workload in the order in which they stay: the last go first."""
    return sorted(holdings, key=lambda holding: (holding.seat, holding.node, not holding.bound))


def split_places(workload: Workload) -> tuple[tuple[Holding, ...], tuple[Holding, ...]]:
    """What it keeps, and what is on its way back: all of an evicted workload, what a resize does not keep of another."""
    if workload.leaving:
        return (), workload.holdings
    return (workload.holdings, ()) if workload.resize is None else split_at(workload, workload.resize.keep)


def split_at(workload: Workload, keep: int) -> tuple[tuple[Holding, ...], tuple[Holding, ...]]:
    """The places that stay when `keep` pods stay, and those that go: the highest ranks."""
    ranked = sort_by_rank(workload.holdings)
    if ranked and ranked[0].seat.rank >= 0:
        keep = sum(holding.seat.rank < keep for holding in ranked)
    return tuple(ranked[:keep]), tuple(ranked[keep:])


def count_off_grid(elastic: Elastic, size: int) -> int:
    """How many pods more than its largest allowed size up to `size`."""
    return (size - elastic.least) % elastic.step if size >= elastic.least else 0


def may_grow(workload: Workload) -> bool:
    """Whether its needs are only what it could have on top of what runs."""
    return workload.elastic is not None and workload.begun and workload.needs_min == 0 and bool(workload.needs)

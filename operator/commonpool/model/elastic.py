"""Which places a workload is giving back, and what sizes elastic work may have."""

from commonpool.model.snapshot import Elastic, Holding, Workload


def sort_places(workload: Workload) -> list[Holding]:
    """Its places in the order in which they stay, the last go first: by rank; of independent pods also by age.

    Of these, those that are ending go before all others, and those that no pod has taken yet before those that serve.
    """
    if not workload.independent:
        return sorted(workload.holdings, key=lambda holding: (holding.seat, holding.node, not holding.bound))
    return sorted(workload.holdings, key=_stay)


def _stay(holding: Holding) -> tuple[bool, bool, int, int, str, str]:
    return (holding.ending, not holding.bound, holding.seat.rank, holding.since_at, holding.seat.pod, holding.node)


def split_places(workload: Workload) -> tuple[tuple[Holding, ...], tuple[Holding, ...]]:
    """What it keeps, and what is on its way back: all of an evicted workload, what a resize does not keep of another."""
    if workload.leaving:
        return (), workload.holdings
    return (workload.holdings, ()) if workload.resize is None else split_at(workload, workload.resize.keep)


def split_at(workload: Workload, keep: int) -> tuple[tuple[Holding, ...], tuple[Holding, ...]]:
    """The places that stay when `keep` pods stay, and those that go: the last to stay, of a gang all from rank `keep` on."""
    ranked = sort_places(workload)
    if ranked and ranked[0].seat.rank >= 0 and not workload.independent:
        keep = sum(holding.seat.rank < keep for holding in ranked)
    return tuple(ranked[:keep]), tuple(ranked[keep:])


def count_off_grid(elastic: Elastic, size: int) -> int:
    """How many pods more than its largest allowed size up to `size`."""
    return (size - elastic.least) % elastic.step if size >= elastic.least else 0


def may_grow(workload: Workload) -> bool:
    """Whether its needs are only what it could have on top of what runs."""
    return workload.elastic is not None and workload.begun and workload.needs_min == 0 and bool(workload.needs)

"""The last stage: a reason for every wait, as the pool stands at the end of the round.

One reason, one sentence, and the nearest change that would start the workload, in the
tenant's own terms. No sentence names another tenant.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from commonpool.engine.protocol import ANYWHERE, MAX_COUNT
from commonpool.model.amounts import GPU_MILLI, Amounts
from commonpool.model.ids import PoolName, TenantName
from commonpool.model.plan import Hold
from commonpool.model.reasons import Reason, find_rank
from commonpool.model.snapshot import Workload
from commonpool.planner.candidates import Candidates
from commonpool.planner.fleet import Site
from commonpool.planner.layout import Layout, explain_layout, find_layout, joins, least
from commonpool.planner.place import Draft
from commonpool.planner.quota import Refusal
from commonpool.planner.site import build_site, find_group
from commonpool.planner.size import EmptyPool

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class _Obstacle:
    """Why one pool does not take the workload now."""

    reason: Reason
    message: str
    nearest_change: str = ""


class Explainer:
    """Says why. Many workloads ask the same questions, and nothing moves any more, so answers are kept."""

    def __init__(self, draft: Draft, sizes: EmptyPool) -> None:
        self._draft = draft
        self._sizes = sizes
        self._fitting: dict[tuple[Site, Layout, Amounts, int], int] = {}

    def explain(self, workload: Workload, tenant: TenantName, candidates: Candidates) -> Hold:
        """Why the workload waits: of the pools it may go to, the one where it is nearest to a start speaks."""
        obstacles = [self._judge(workload, tenant, pool) for pool in candidates.pools]
        chosen = min(obstacles, key=lambda obstacle: find_rank(obstacle.reason))
        message, change = chosen.message, chosen.nearest_change
        if candidates.later:
            message = f"{message}; {explain_patience(workload, candidates.later)}"
            change = self._find_second_best(workload, tenant, candidates.later) or change
        return Hold(workload.name, chosen.reason, message, change)

    def _judge(self, workload: Workload, tenant: TenantName, pool: PoolName) -> _Obstacle:
        site, layout = self._find_ground(workload, pool)
        if site is None or layout is None:
            return _Obstacle(Reason.TOPOLOGY_NOT_SATISFIABLE, explain_layout(self._draft.ground, workload, pool))
        if self._sizes.count_shaped(site, layout, workload.shape, least(workload)) < least(workload):
            return self._explain_size(workload, site, layout)
        asked = (workload, tenant, pool, len(workload.needs))
        limits, room = self._draft.measure_limits(*asked), self._draft.measure(*asked)
        fitting = self._count_fitting(site, layout, workload.shape, least(workload))
        change = _render_fewer(workload, self._count_fitting(site, layout, workload.shape, min(room.pods, least(workload))))
        if limits.refusal is not None and limits.pods < least(workload):
            return _explain_limit(workload, limits.refusal, change)
        if room.refusal is not None and room.pods < least(workload) <= fitting:
            return _explain_kept(workload, room.refusal, change)
        if not change and room.pods >= least(workload):
            change = self._find_hindrance(workload, pool)
        return self._explain_capacity(workload, pool, fitting, change)

    def _find_ground(self, workload: Workload, pool: PoolName) -> tuple[Site | None, Layout | None]:
        """Where it may go and how it shall lie; nothing if the pool cannot know."""
        ground = self._draft.ground
        layout = find_layout(ground, workload, pool)
        if layout is None:
            return None, None
        if joins(workload):
            group = find_group(ground, workload, pool, layout, least(workload))
            return group.site, group.layout
        return build_site(ground, workload, pool, workload.required_level), layout

    def _count_fitting(self, site: Site, layout: Layout, shape: Amounts, pods: int) -> int:
        """How many pods could be placed now, at most `pods`; of plain gangs all numbers are known at once."""
        most = pods if layout.is_shaped else MAX_COUNT
        key = (site, replace(layout, preferred=ANYWHERE), shape, most)
        if pods and key not in self._fitting:
            self._fitting[key] = self._draft.count_fitting(site, layout, shape, most)
        return min(pods, self._fitting[key]) if pods else 0

    def _find_second_best(self, workload: Workload, tenant: TenantName, later: Sequence[PoolName]) -> str:
        """In which pool its patience alone keeps it from starting."""
        pods = least(workload)
        for pool in later:
            site, layout = self._find_ground(workload, pool)
            if site is None or layout is None or self._draft.measure(workload, tenant, pool, pods).pods < pods:
                continue
            if self._count_fitting(site, layout, workload.shape, pods) >= pods:
                return f"without `waitSeconds` it would start now in pool `{pool}`"
        return ""

    def _find_hindrance(self, workload: Workload, pool: PoolName) -> str:
        """Which of its wishes alone keeps it from starting."""
        for words, looser in _loosen(workload) if not workload.begun else ():
            site, layout = self._find_ground(looser, pool)
            if site is None or layout is None:
                continue
            if self._count_fitting(site, layout, workload.shape, least(workload)) >= least(workload):
                return f"{words} it would start now"
        return ""

    def _explain_size(self, workload: Workload, site: Site, layout: Layout) -> _Obstacle:
        wide = Site(site.pool, site.selector)
        most = self._sizes.count(wide, ANYWHERE, workload.shape)
        asked = _render_pods(least(workload), workload.shape)
        if most == 0:
            chosen = " that the workload's node selector chooses" if workload.node_selector else ""
            message = f"no node of pool `{site.pool}`{chosen} can hold {_render_pods(1, workload.shape)}"
            if self._sizes.count(wide, ANYWHERE, _without_company(workload.shape)) == 0:
                return _Obstacle(Reason.GANG_LARGER_THAN_POOL, message)
            return _Obstacle(
                Reason.GANG_LARGER_THAN_POOL, f"{message} and {_render_company(workload.shape)}", "ask for less CPU or memory a pod"
            )
        if most < least(workload):
            return _Obstacle(
                Reason.GANG_LARGER_THAN_POOL,
                f"{asked} are more than pool `{site.pool}` could ever hold: {most}",
                f"at most {most} replicas fit the pool when it is empty",
            )
        inside = self._sizes.count_shaped(site, layout, workload.shape, least(workload))
        how = _render_wishes(workload)
        return _Obstacle(
            Reason.TOPOLOGY_NOT_SATISFIABLE,
            f"{asked} do not fit {how} of pool `{site.pool}`, even when it is empty: at most {inside} do",
            f"at most {inside} replicas fit {how}" if inside else "",
        )

    def _explain_capacity(self, workload: Workload, pool: PoolName, fitting: int, change: str) -> _Obstacle:
        needed = least(workload) * workload.shape.gpu_milli
        free = self._draft.free_milli[pool]
        inside = f"one `{workload.required_level}` of pool `{pool}`" if workload.required_level else f"pool `{pool}`"
        waits_for = f"{_render_count(needed)} accelerators of {inside} are free on nodes that fit its pods"
        if workload.segment is not None or workload.spread is not None:
            how = _render_wishes(replace(workload, required_level=None))
            return _Obstacle(
                Reason.INSUFFICIENT_CAPACITY,
                f"{inside} has room for {fitting} of {_render_pods(least(workload), workload.shape)} {how} now",
                change or f"waits until {waits_for}, {how}; {_render_count(free)} are free in all",
            )
        return _Obstacle(
            Reason.INSUFFICIENT_CAPACITY,
            f"{inside} has room for {fitting} of {_render_pods(least(workload), workload.shape)} now",
            change or f"waits until {waits_for}; {_render_count(free)} are free in all",
        )


def _loosen(workload: Workload) -> Iterator[tuple[str, Workload]]:
    """The workload without one of its wishes, and how to say that."""
    if workload.spread is not None:
        yield "without being spread", replace(workload, spread=None)
    if workload.segment is not None:
        yield "without segments", replace(workload, segment=None)
    if workload.required_level is not None:
        yield f"not held to one `{workload.required_level}`", replace(workload, required_level=None)


def _render_wishes(workload: Workload) -> str:
    segment, spread = workload.segment, workload.spread
    parts = [f"inside one `{workload.required_level}`"] if workload.required_level is not None else []
    parts += [f"in segments of {segment.size} inside one `{segment.level}` each"] if segment is not None else []
    parts += [f"spread equally over {spread.min_domains} or more `{spread.level}`"] if spread is not None else []
    return " and ".join(parts)


def explain_patience(workload: Workload, later: Sequence[PoolName]) -> str:
    """For how long it leaves out which pools."""
    until = datetime.fromtimestamp(workload.patient_until_at, UTC)
    others = ", ".join(f"`{pool}`" for pool in later)
    return f"as `waitSeconds` says it leaves out pool{'s' if len(later) > 1 else ''} {others} until `{until:%Y-%m-%dT%H:%M:%SZ}`"


def explain_reclaim(workload: Workload, pool: PoolName) -> Hold:
    """Others are giving back what it is guaranteed."""
    asked = _render_pods(least(workload), workload.shape)
    return Hold(
        workload.name,
        Reason.WAITS_FOR_RECLAIM,
        f"your guarantee covers {asked} in pool `{pool}`: work that has borrowed there gives them back",
        "starts as soon as they are free",
    )


def explain_min_runtime(workload: Workload, free_at: int, pool: PoolName) -> Hold:
    """Others may keep what it is guaranteed until they have run as long as they were promised to."""
    asked = _render_pods(least(workload), workload.shape)
    until = datetime.fromtimestamp(free_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Hold(
        workload.name,
        Reason.WAITS_FOR_MIN_RUNTIME,
        f"your guarantee covers {asked} in pool `{pool}`, and what has borrowed there may run until `{until}`: it is asked to give back "
        "then",
        "starts once it has, unless room is left before",
    )


def explain_new_nodes(workload: Workload, pool: PoolName) -> Hold:
    """Nodes for it have been asked for."""
    asked = _render_pods(least(workload), workload.shape)
    return Hold(
        workload.name,
        Reason.WAITS_FOR_NODES,
        f"pool `{pool}` has no room for {asked} now and has asked for more nodes",
        "starts when they have joined the pool",
    )


def explain_leaving(workload: Workload) -> Hold:
    """It was evicted and still holds places."""
    after = "nobody makes a bare pod again: make it anew" if workload.child.kind == "Pod" else "after that it queues again, as old as it is"
    return Hold(workload.name, Reason.EVICTED, f"gives back what it held; {after}")


def _explain_kept(workload: Workload, refusal: Refusal, change: str) -> _Obstacle:
    unit, where = _render_unit(refusal)
    if refusal.guarantee:
        asked = refusal.pod * least(workload)
        excess = refusal.used + asked - refusal.most
        return _Obstacle(
            refusal.reason,
            f"{_render_count(asked)} more {unit} of {where} are not within the guarantee of {_render_count(refusal.most)}, of which "
            f"{_render_count(refusal.used)} are held, and others wait there for what they are guaranteed: to borrow now would make the "
            "whole workload one that may be evicted for them",
            change or f"starts when {_render_count(excess)} {unit} held there are given back, or when nobody claims any more",
        )
    if refusal.claimed:
        return _Obstacle(
            refusal.reason,
            f"what is left of the guarantee of {_render_count(refusal.most)} {unit} of {where} is set aside for other work that it covers",
            change or "starts once that has its places",
        )
    return _Obstacle(
        refusal.reason,
        f"{_render_count(refusal.most)} {unit} of {where} are kept for guarantees of others; "
        f"{_render_count(refusal.free)} are free, {_render_count(refusal.pod * least(workload))} are asked for",
        change,
    )


def _explain_limit(workload: Workload, refusal: Refusal, change: str) -> _Obstacle:
    asked = refusal.pod * least(workload)
    unit, where = _render_unit(refusal)
    if refusal.guarantee:
        return _Obstacle(
            refusal.reason,
            f"work of tier `Guaranteed` does not borrow: {_render_count(asked)} more {unit} of {where} are not within the guarantee of "
            f"{_render_count(refusal.most)}, of which {_render_count(refusal.used)} are held",
            change or "tier `Standard` may borrow",
        )
    excess = refusal.used + asked - refusal.most
    whose = "your" if refusal.own else "your parent tenant's"
    what = "limit" if refusal.reason is Reason.QUOTA_REACHED else "guarantee and what may be borrowed"
    message = (
        f"{_render_count(asked)} more {unit} of {where} would exceed {whose} {what} of {_render_count(refusal.most)} "
        f"by {_render_count(excess)}: {_render_count(refusal.used)} are held"
    )
    if asked > refusal.most:
        most = refusal.most // refusal.pod
        alone = f"at most {most} replica{'' if most == 1 else 's'} are within it" if most else "not even one replica is within it"
        return _Obstacle(refusal.reason, message, change or alone)
    return _Obstacle(refusal.reason, message, change or f"starts when {_render_count(excess)} {unit} held there are given back")


def _render_unit(refusal: Refusal) -> tuple[str, str]:
    unit = "accelerators" if refusal.in_accelerators else "reference accelerators"
    return unit, ("pool " if len(refusal.pools) == 1 else "pools ") + ", ".join(f"`{pool}`" for pool in refusal.pools)


def _render_fewer(workload: Workload, pods: int) -> str:
    if not 0 < pods < least(workload):
        return ""
    return f"{pods} replica{'' if pods == 1 else 's'} instead of {least(workload)} would start now"


def _render_pods(pods: int, shape: Amounts) -> str:
    noun = "pod" if pods == 1 else "pods"
    cards = "accelerator" if shape.gpu_milli == GPU_MILLI else "accelerators"
    return f"{pods} {noun} with {_render_count(shape.gpu_milli)} {cards} each" if shape.gpu_milli else f"{pods} {noun}"


def _without_company(shape: Amounts) -> Amounts:
    """The accelerators alone."""
    return Amounts(gpu_milli=shape.gpu_milli, pods=shape.pods)


def _render_company(shape: Amounts) -> str:
    """What a pod asks for beside accelerators."""
    return f"{_render_count(shape.cpu_milli)} CPUs and {-(-shape.memory_bytes // MIB)}Mi of memory"


def _render_count(milli: int) -> str:
    whole, rest = divmod(milli, GPU_MILLI)
    return f"{whole}.{rest:03}".rstrip("0") if rest else str(whole)

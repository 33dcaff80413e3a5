"""Writes what the operator says about our own objects: statuses where they differ, and an Event when a workload's state changes."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from commonpool.api import GPUWorkload
from commonpool.api.resource import Model, Object
from commonpool.kube.client import Client
from commonpool.kube.departures import Departures
from commonpool.kube.errors import AlreadyExists
from commonpool.kube.events import find_event
from commonpool.kube.mirror import Mirror
from commonpool.kube.own import Own
from commonpool.kube.read import World
from commonpool.kube.read.fleet import find_rival
from commonpool.kube.read.moves import read_turnover
from commonpool.kube.read.needs import count_wanted
from commonpool.kube.read.runs import Run
from commonpool.kube.read.stints import read_stints
from commonpool.kube.read.world import list_accelerators
from commonpool.kube.resources import EVENTS, GPU_WORKLOADS
from commonpool.kube.status import (
    Breath,
    Progress,
    Untold,
    WorkloadView,
    build_pool_status,
    build_quota_status,
    build_tenant_status,
    build_workload_status,
    find_status_patch,
    find_telling_at,
    read_progress,
)
from commonpool.kube.status.choice import Choices
from commonpool.kube.status.remarks import list_workload_remarks
from commonpool.kube.status.tenant import find_parent_problem
from commonpool.kube.status.unreadable import build_unreadable_patch
from commonpool.kube.turns import take_turns
from commonpool.kube.writer import Failure, Writer, attempt_all
from commonpool.model.assume import assume_plan
from commonpool.model.demand import sum_demand
from commonpool.model.ids import PoolName, TenantName, WorkloadName
from commonpool.model.plan import Hold, Passed, Plan
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Blocked, Snapshot
from commonpool.model.usage import sum_usage

MOST_TOLD = 200
"""Statuses of workloads written a round."""


@dataclass(frozen=True, slots=True)
class Told:
    """One object, what to patch into its status, and the Event that goes with it."""

    subject: str
    manifest: dict[str, Any]
    patch: dict[str, Any]
    event: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Problems:
    """What the operator could not do for whom, for reasons that are not its own."""

    tenants: Mapping[TenantName, tuple[Blocked, ...]]
    providers: Mapping[PoolName, str]


class Telling:
    """Remembers what it was told from, so that an unchanged workload costs nothing."""

    def __init__(self, client: Client, mirror: Mirror, writer: Writer) -> None:
        self._client = client
        self._mirror = mirror
        self._writer = writer
        self._quiet: dict[WorkloadName, tuple[object, ...]] = {}
        self._departures = Departures(mirror)
        self._passed: dict[WorkloadName, tuple[Passed, ...]] = {}
        self.next_due_at: int | None = None
        """When something that was kept back is to be told; None: nothing was."""

    async def tell(self, world: World, plan: Plan, problems: Problems) -> list[Failure]:
        """Write every status that differs. `plan`: what of the round's plan was really written."""
        after = assume_plan(world.snapshot, plan)
        changed = self._tell_workloads(world, after, plan)
        workloads = take_turns(changed, lambda each: str(each.manifest["metadata"]["namespace"]), MOST_TOLD)
        if len(workloads) < len(changed):
            self._mirror.dirty.set()  # the rest follows after the next decision
        told = [*workloads, *self._tell_others(after, world, problems)]
        return await attempt_all((each.subject, self._write(each)) for each in told)

    async def _write(self, told: Told) -> None:
        await self._writer.write_status(told.manifest, told.patch)
        if told.event is not None:
            with suppress(AlreadyExists):
                await self._client.create(EVENTS, told.event)

    def _tell_workloads(self, world: World, after: Snapshot, plan: Plan) -> list[Told]:
        planned = {workload.name: workload for workload in after.workloads}
        holds = {hold.workload: hold for hold in plan.hold}
        why = {place.workload: str(place.why) for place in plan.place}
        shrinks = {shrink.workload: shrink for shrink in plan.shrink}
        evicts = {evict.workload: evict for evict in plan.evict}
        claimed = any(hold.reason is Reason.WAITS_FOR_RECLAIM for hold in plan.hold)
        asked = list_accelerators(world.fleet)
        gone = self._departures.collect(world, asked)
        self._passed = {name: passed for name, passed in self._passed.items() if name in planned}
        self._passed |= {place.workload: place.passed for place in plan.place if place.passed}
        choices: Choices | None = None
        told: list[Told] = []
        quiet: dict[WorkloadName, tuple[object, ...]] = {}
        kept: list[int] = []
        for run in world.runs:
            if run.own is None or (run.own.terminating and not _loses(run, shrinks, evicts)):
                continue
            workload = run.own.parsed
            if workload is None:
                told += _tell_unreadable(run.own, after.now_at)
                continue
            view = WorkloadView(
                workload,
                planned.get(run.name),
                holds.get(run.name),
                _read_progress(run),
                why.get(run.name, ""),
                shrinks.get(run.name),
                evicts.get(run.name),
                claimed and workload.status is not None and workload.status.resize is not None,
                run.load,
                _list_remarks(run, world, holds.get(run.name)),
                _read_untold(run, world),
            )
            if (telling_at := find_telling_at(view, after.now_at)) is not None:
                kept.append(telling_at)
                continue
            made_of = (
                workload,
                view.planned,
                view.hold,
                view.progress,
                view.why,
                view.shrink,
                view.evict,
                view.claimed,
                view.load,
                view.remarks,
                run.pods,
                gone[run.child],
            )
            known = self._quiet.get(run.name)
            if known is not None and known[0] is workload and known[1:] == made_of[1:]:
                quiet[run.name] = known
                continue
            ended_at = run.made.ended_at if run.made is not None else 0
            view = replace(view, stints=read_stints(run, gone[run.child], world.fleet, asked), ended_at=ended_at)
            if view.planned is not None and view.planned.begun and run.status.pool != view.planned.holdings[0].pool:
                choices = choices or Choices(after)
                view = replace(view, choice=choices.describe(run, view.planned, self._passed.get(run.name, ())))
            status = build_workload_status(view, world.fleet.pools, after.now_at)
            change = _compare(run.own, workload, workload.status, status)
            if change is None:
                quiet[run.name] = made_of
            else:
                told.append(replace(change, event=find_event(workload, status, after.now_at)))
        self._quiet = quiet
        self.next_due_at = min(kept, default=None)
        return told

    def _tell_others(self, after: Snapshot, world: World, problems: Problems) -> list[Told]:
        scaling = {pool.name: pool.scaling for pool in after.pools}
        usage, demands, now_at = sum_usage(after), sum_demand(after), after.now_at
        known = {own.key[1]: own.parsed for own in self._mirror.tenants if own.parsed is not None}
        names = {TenantName(name) for name in known}
        priorities = {each.name for each in self._mirror.priorities}
        told: list[Told | None] = []
        for pool in self._mirror.pools:
            if pool.parsed is not None:
                which = PoolName(pool.key[1])
                use = usage.pools.get(which)
                empty = use is not None and not use.nodes and scaling.get(which) is None
                rival = find_rival(world.fleet, which) if empty else None
                breath = Breath(scaling.get(which), problems.providers.get(which, ""), rival)
                status: Model = build_pool_status(pool.parsed, use, now_at, breath)
                told.append(_compare(pool, pool.parsed, pool.parsed.status, status))
        for quota in self._mirror.quotas:
            if quota.parsed is not None:
                status = build_quota_status(quota.parsed, usage, names, now_at)
                told.append(_compare(quota, quota.parsed, quota.parsed.status, status))
        for tenant in self._mirror.tenants:
            if tenant.parsed is not None:
                name = TenantName(tenant.key[1])
                others = (find_parent_problem(tenant.parsed, known), world.strays.get(name))
                wrong = (*problems.tenants.get(name, ()), *(each for each in others if each is not None))
                status = build_tenant_status(tenant.parsed, usage, demands, wrong, now_at, priorities=priorities)
                told.append(_compare(tenant, tenant.parsed, tenant.parsed.status, status))
        return [each for each in told if each is not None]


def _loses(run: Run, shrinks: Collection[WorkloadName], evicts: Collection[WorkloadName]) -> bool:
    """Whether places are taken from it. Nobody else need be told anything who is being deleted; but what is not told is not done."""
    return run.name in shrinks or run.name in evicts or run.status.resize is not None


def _tell_unreadable(own: Own[GPUWorkload], now_at: int) -> list[Told]:
    if own.told_at_generation == own.generation:
        return []
    namespace, name = own.key
    metadata = {"namespace": namespace, "name": name, "uid": own.uid}
    manifest = {"apiVersion": GPU_WORKLOADS.api_version, "kind": GPU_WORKLOADS.kind, "metadata": metadata}
    return [Told(f"status of GPUWorkload {namespace}/{name}", manifest, build_unreadable_patch(own.problem, own.generation, now_at))]


def _read_progress(run: Run) -> Progress:
    wanted = count_wanted(run) if run.native else len(run.pods)
    progress = read_progress(run.made, run.pods, wanted)
    if not run.refusal or progress.outcome is not None:
        return progress
    return Progress(want=progress.want, ready=progress.ready, message=run.refusal, refused=True)


def _list_remarks(run: Run, world: World, hold: Hold | None) -> tuple[str, ...]:
    serves = run.native and run.child.kind == "Deployment" and run.made is not None
    turnover = read_turnover(run, world.fleet.vacated, world.snapshot.now_at) if serves else None
    return list_workload_remarks(run, world.fleet.pools, world.bounds, turnover, hold.reason if hold is not None else None)


def _read_untold(run: Run, world: World) -> Untold | None:
    """What it has had, as long as it has been told nothing."""
    if run.told or run.own is None or run.own.parsed is None or not run.since_at:
        return None
    nodes = [pod.node for pod in run.pods if pod.node is not None]
    pools = [promise.line.pool for promise in run.promises] + [world.fleet.nodes[node].pool for node in nodes if node in world.fleet.nodes]
    return Untold(run.since_at, next(iter(pools), ""))


def _compare(own: Own[Any], parsed: Object, before: Model | None, after: Model) -> Told | None:
    patch = find_status_patch(before, after)
    if patch is None:
        return None
    namespace, name = own.key
    manifest = {"apiVersion": parsed.api_version, "kind": parsed.kind, "metadata": {"namespace": namespace, "name": name, "uid": own.uid}}
    return Told(f"status of {parsed.kind} {'/'.join(part for part in own.key if part)}", manifest, patch)

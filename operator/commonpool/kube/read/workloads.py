"""From a run to the planner's workload."""

from dataclasses import replace

from commonpool.api.gpuworkload import Placement
from commonpool.api.wishes import CHECKPOINTED_AT, parse_wishes
from commonpool.kube.read.blocked import Surroundings, find_block
from commonpool.kube.read.bounds import read_allowed, read_written_wishes
from commonpool.kube.read.choices import read_choices
from commonpool.kube.read.elastic import read_elastic, read_resize
from commonpool.kube.read.fleet import Fleet
from commonpool.kube.read.needs import Needs, largest, read_needs
from commonpool.kube.read.queued import read_queued_at
from commonpool.kube.read.runs import Run
from commonpool.kube.shapes import Shape
from commonpool.model.amounts import GPU_MILLI, NOTHING, Amounts
from commonpool.model.ids import PoolName, Seat
from commonpool.model.snapshot import Holding, Prefer, Segment, Spread, Wish, Workload


def read_workload(run: Run, around: Surroundings, asked: frozenset[str]) -> Workload:
    """One workload with what it needs, what it holds, and why it may not be placed if so."""
    fleet = around.fleet
    needs = read_needs(run, around.most_pods)
    shape = _find_shape(run, needs)
    priority_class, priority = _read_priority(run, around)
    blocked = None if run.finished else find_block(run, shape, priority_class, around) or needs.blocked
    placement = _read_placement(run)
    allowed = read_allowed(run, around.bounds)
    return Workload(
        name=run.name,
        child=run.child,
        tenant=run.tenant,
        shape=_read_amounts(run, needs, shape, fleet, asked),
        created_at=_read_created_at(run),
        needs=needs.seats,
        needs_min=needs.least,
        holdings=tuple(_read_holdings(run, fleet)),
        wishes=_read_wishes(run, shape, fleet, asked),
        prefer=read_preference(run),
        patient_until_at=_read_patience(run),
        priority=priority,
        priority_class=priority_class,
        required_level=placement.required if placement is not None else None,
        preferred_level=placement.preferred if placement is not None else None,
        segment=_read_segment(placement),
        spread=_read_spread(placement),
        node_selector=shape.node_selector if shape is not None else (),
        blocked=blocked,
        generation=run.own.generation if run.own is not None else 0,
        elastic=read_elastic(run),
        grace_seconds=allowed.grace_seconds,
        min_runtime_seconds=allowed.min_runtime_seconds,
        started_at=_read_started_at(run),
        checkpointed_at=read_checkpointed_at(run),
        tier=run.own.parsed.spec.tier if run.own is not None and run.own.parsed is not None else "Standard",
        resize=read_resize(run),
        independent=run.independent,
        leaving=run.leaving,
        queued_at=read_queued_at(run.status, _read_created_at(run), around.now_at),
    )


def _find_shape(run: Run, needs: Needs) -> Shape | None:
    """A pod that waits says best what it takes; then the template of what makes the pods; then the GPUWorkload's."""
    if needs.pods:
        return needs.pods[0].shape
    if run.made is not None:
        return run.made.shape
    if run.native and run.own is not None:
        return run.own.shape
    return run.pods[0].shape if run.pods else None


def _read_amounts(run: Run, needs: Needs, shape: Shape | None, fleet: Fleet, asked: frozenset[str]) -> Amounts:
    """What one pod takes. Pods that wait may differ (a rollout): then what any of them fits into."""
    if shape is None:
        return NOTHING
    resource = find_accelerator_resource(shape, fleet, asked)
    if needs.pods:
        return largest([pod.shape.amounts(resource) for pod in needs.pods])
    amounts = shape.amounts(resource)
    if run.native and run.own is not None and run.own.parsed is not None and not amounts.gpu_milli:
        return amounts + Amounts(gpu_milli=run.own.parsed.spec.accelerators.per_replica * GPU_MILLI)
    return amounts


def find_accelerator_resource(shape: Shape, fleet: Fleet, asked: frozenset[str]) -> str | None:
    """By which name the pod asks for accelerators; one that a pool offers before one that none does."""
    names = [name for name, _ in shape.extended if name in asked]
    return next((name for name in names if name in fleet.resource_names), names[0] if names else None)


def _read_wishes(run: Run, shape: Shape | None, fleet: Fleet, asked: frozenset[str]) -> tuple[Wish, ...]:
    if not run.native:
        return _resource_wish(shape, fleet, asked, set())
    workload = run.own.parsed if run.own is not None else None
    if workload is None:
        return (Wish(),)
    wishes = read_choices(workload)
    if run.queued and not run.leaving and not run.promises:  # it may go anywhere again where its template can
        resource = find_accelerator_resource(shape, fleet, asked) if shape is not None else None
        able = tuple(replace(wish, resource_name=resource) for wish in wishes if _offers(fleet, wish, resource))
        return able or (Wish(resource_name=resource),)
    if run.pods or run.made is not None:  # pods that exist, or will, name a resource, and are where they are
        return _resource_wish(shape, fleet, asked, _pools_held(run, fleet))
    return wishes


def _offers(fleet: Fleet, wish: Wish, resource: str | None) -> bool:
    """A pool that offers its accelerators by another name than the template has is none for it."""
    pool = fleet.pools.get(wish.pool) if wish.pool is not None else None
    return pool is None or pool.resource_name == resource


def _pools_held(run: Run, fleet: Fleet) -> set[PoolName]:
    held = {promise.line.pool for promise in run.promises}
    held |= {fleet.nodes[pod.node].pool for pod in run.pods if pod.holds and pod.node in fleet.nodes and pod.node is not None}
    return held


def _resource_wish(shape: Shape | None, fleet: Fleet, asked: frozenset[str], pools: set[PoolName]) -> tuple[Wish, ...]:
    resource = find_accelerator_resource(shape, fleet, asked) if shape is not None else None
    if pools:
        return tuple(Wish(pool=name, resource_name=resource) for name in sorted(pools))
    return (Wish(resource_name=resource),)


def read_preference(run: Run) -> Prefer:
    """What ranks its pools."""
    return Prefer(run.own.parsed.spec.accelerators.prefer) if run.own is not None and run.own.parsed is not None else Prefer.LIST_ORDER


def _read_patience(run: Run) -> int:
    """Until when it rather waits: from its creation on, or from when it is to start."""
    workload = run.own.parsed if run.own is not None else None
    if workload is None or not workload.spec.accelerators.wait_seconds:
        return 0
    start_time = workload.spec.hpc.start_time if workload.spec.hpc is not None else None
    start_at = int(start_time.timestamp()) if start_time is not None else 0
    return max(_read_created_at(run), start_at) + workload.spec.accelerators.wait_seconds


def _read_priority(run: Run, around: Surroundings) -> tuple[str, int]:
    """Class and value, no class if it is the cluster's default. A pod that would get the place says it, whatever its template says now."""
    pods = [pod for pod in run.pods if pod.node is None and not pod.finished] or run.pods
    highest = max(pods, key=lambda pod: (pod.priority or 0, pod.name), default=None)
    named = highest.priority_class if highest is not None else _name_priority(run)
    known = around.priorities.get(named) if named else around.default_priority()
    if known is not None and known.is_default:
        named = ""
    if highest is not None and highest.priority is not None:
        return named, highest.priority
    return named, known.value if known else 0


def _name_priority(run: Run) -> str:
    """What the pods that will come will say."""
    if run.native and run.own is not None and run.own.parsed is not None:
        spec = run.own.parsed.spec
        template = next((way.template for way in (spec.training, spec.inference, spec.hpc) if way is not None), None)
        return spec.priority_class_name or ((template.spec.model_extra or {}).get("priorityClassName", "") if template else "")
    return run.made.priority_class if run.made is not None else ""


def _read_placement(run: Run) -> Placement | None:
    """What a GPUWorkload says itself; an object that is tracked can say by annotation what it requires."""
    if run.native:
        return run.own.parsed.spec.placement if run.own is not None and run.own.parsed is not None else None
    required = parse_wishes(read_written_wishes(run)).placement_required
    return Placement(required=required) if required is not None else None


def _read_segment(placement: Placement | None) -> Segment | None:
    segment = placement.segment if placement is not None else None
    return Segment(segment.size, segment.level) if segment is not None else None


def _read_spread(placement: Placement | None) -> Spread | None:
    spread = placement.spread if placement is not None else None
    return Spread(spread.level, spread.min_domains, spread.max_skew) if spread is not None else None


def _read_started_at(run: Run) -> int:
    """Since when it holds something: its status says so, and before there is one, Rounds and pods."""
    if not run.told:
        return run.since_at if any(pod.holds for pod in run.pods) or run.promises else 0
    promised_at = run.status.promised_at
    return int(promised_at.timestamp()) if promised_at is not None else 0


def read_checkpointed_at(run: Run) -> int:
    """When its owner says that it wrote a checkpoint: an annotation of the GPUWorkload, or of the object that is tracked."""
    written = {CHECKPOINTED_AT: run.own.checkpointed} if run.own is not None and run.own.checkpointed else read_written_wishes(run)
    instant = parse_wishes(written).checkpointed_at
    return int(instant.timestamp()) if instant is not None else 0


def _read_created_at(run: Run) -> int:
    if run.native and run.own is not None:
        created = run.own.parsed.metadata.creation_timestamp if run.own.parsed is not None else None
        return int(created.timestamp()) if created else 0
    if run.made is not None:
        return run.made.created_at
    return min((pod.created_at for pod in run.pods), default=0)


def _read_holdings(run: Run, fleet: Fleet) -> list[Holding]:
    held = [
        Holding(
            node=pod.node,
            pool=fleet.nodes[pod.node].pool,
            seat=Seat(pod.rank, pod.name),
            bound=True,
            amounts=pod.shape.amounts(fleet.resource_on(pod.node)),
            since_at=pod.created_at if run.independent else 0,
            ending=pod.terminating and run.independent,
        )
        for pod in run.pods
        if pod.node is not None and not pod.finished and pod.node in fleet.nodes
    ]
    held += [
        Holding(promise.entry.node, promise.line.pool, promise.entry.seat, bound=False, amounts=promise.line.shape)
        for promise in run.promises
    ]
    return held

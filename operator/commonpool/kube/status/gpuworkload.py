"""Where a workload stands: its conditions, its wait, its numbers."""

from collections.abc import Mapping
from dataclasses import dataclass

from commonpool.api import GPUWorkload
from commonpool.api.conditions import find_condition
from commonpool.api.workloadstatus import GPUWorkloadStatus, ReplicaCounts, Resize, Wait
from commonpool.kube.children import find_child_key
from commonpool.kube.load import Load
from commonpool.kube.read.queued import could_run, leave_out_run
from commonpool.kube.read.stints import Stint
from commonpool.kube.status.accounting import account
from commonpool.kube.status.conditions import build_conditions, read_instant, shorten
from commonpool.kube.status.judgements import Standing, judge, judge_load
from commonpool.kube.status.progress import Outcome, Progress
from commonpool.kube.status.taken import Giving, build_eviction, build_resize, describe_eviction, describe_shrink
from commonpool.kube.status.untold import Untold
from commonpool.model.amounts import GPU_MILLI
from commonpool.model.ids import PoolName
from commonpool.model.plan import Evict, Hold, Shrink
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Pool, Workload


@dataclass(frozen=True, slots=True)
class WorkloadView:
    """All that a workload's status is made of."""

    workload: GPUWorkload
    """As it is in the cluster, with the status that was written last."""
    planned: Workload | None
    """As the round leaves it (`model.assume.assume_plan`); None if it is in no snapshot, e.g. because it has ended."""
    hold: Hold | None
    """Why the round lets it wait."""
    progress: Progress
    why: str = ""
    """The reason for which this round placed it, if it did."""
    shrink: Shrink | None = None
    """What the round takes back of it that it has not been told of yet."""
    evict: Evict | None = None
    """Why the round takes all of it back."""
    claimed: bool = False
    """Whether anybody waits for what others give back."""
    load: Load | None = None
    """What is known of a service's load; None if it follows none."""
    remarks: tuple[str, ...] = ()
    """What it asks for and does not get yet (`status.remarks`)."""
    untold: Untold | None = None
    """What it has had, if it has been told nothing yet; None also if it has had nothing."""
    stints: tuple[Stint, ...] = ()
    """Its pods that have begun, those that were seen to go too."""
    ended_at: int = 0
    """When its Job had ended; 0: it has not, or there is none."""
    choice: str = ""
    """Why it is in its pool (`status.choice`), if that is news and it had a choice."""


def build_workload_status(view: WorkloadView, pools: Mapping[PoolName, Pool], now_at: int) -> GPUWorkloadStatus:
    """The status as it should be. An end is final: later rounds only count what still runs."""
    workload, previous = view.workload, view.workload.status or GPUWorkloadStatus()
    resize = build_resize(Giving(view.shrink, view.claimed, _count_held(view.planned), view.progress.want), previous.resize, now_at)
    standing = read_standing(view, previous, resize)
    held_before = previous.promised_at is not None
    over = standing.ending or standing.outcome is not None
    promised_at = previous.promised_at if held_before and (standing.have_places or over) else None
    if promised_at is None and (standing.have_places or (over and view.untold is not None)):
        promised_at = read_instant(min(view.untold.since_at, now_at) if view.untold is not None else now_at)
    generation = workload.metadata.generation
    judgements = [*judge(standing, previous.conditions or []), *judge_load(view.load)]
    conditions = build_conditions(previous.conditions, judgements, now_at, generation)
    wanted = GPUWorkloadStatus(
        queued_at=previous.queued_at,
        observed_generation=generation,
        conditions=conditions,
        wait=_build_wait(standing),
        kind=_name_kind(workload),
        pool=standing.pool or (_find_last_pool(view, previous) if over else None),
        choice=_find_choice(view, standing, previous),
        tenant=standing.tenant or previous.tenant,
        tier=workload.spec.tier,
        replicas=_count_replicas(standing, previous),
        accelerators=standing.accelerators,
        promised_at=promised_at,
        resize=resize,
        last_eviction=build_eviction(view.evict, now_at) or previous.last_eviction,
    )
    queued_at = _find_queued_at(view, previous, wanted)
    if queued_at:
        wanted = wanted.model_copy(update={"queued_at": read_instant(queued_at)})
    return account(previous, wanted, view.stints, pools, now_at, ended_at=view.ended_at)


def _find_queued_at(view: WorkloadView, previous: GPUWorkloadStatus, wanted: GPUWorkloadStatus) -> int:
    """0: as it was told last."""
    if view.planned is None:
        return 0
    return view.planned.queued_at if could_run(wanted) else leave_out_run(previous, wanted, view.planned.created_at)


def _count_held(planned: Workload | None) -> int:
    """Places that a shrink is about: ranks that are promised only are no part of a Job's size yet, and a service has none."""
    return sum(holding.bound or planned.independent for holding in planned.holdings) if planned is not None else 0


def _find_choice(view: WorkloadView, standing: Standing, previous: GPUWorkloadStatus) -> str | None:
    """What was said when it came to its pool; that it has ended takes nothing back."""
    if standing.pool in {"", previous.pool}:
        return previous.choice if standing.pool or standing.ending or standing.outcome is not None else None
    return shorten(view.choice) or None


def _find_last_pool(view: WorkloadView, previous: GPUWorkloadStatus) -> str | None:
    return view.untold.pool or None if view.untold is not None else previous.pool


def read_standing(view: WorkloadView, previous: GPUWorkloadStatus, resize: Resize | None) -> Standing:
    """What its conditions are judged by."""
    planned, progress = view.planned, view.progress
    holdings = planned.holdings if planned else ()
    key = find_child_key(view.workload)
    together = key is not None and key.kind == "Job"
    want = (_count_wanted(planned) if planned else 0) or progress.want
    if not together and progress.want:  # a rollout has pods of two sorts, and of both together no more than this are meant to be
        want = min(want, progress.want)
    done = max(0, min(progress.want - want, progress.succeeded))
    lost = _count_lost(planned, progress, want) if together else 0
    if progress.failing and previous.replicas is not None:
        lost = max(lost, previous.replicas.want - done - want)
    want += lost
    most = None if together else want
    return Standing(
        outcome=progress.outcome or _find_outcome(previous),
        hold=None if progress.outcome else view.hold,
        refusal=progress.message if progress.refused else "",
        message=progress.message,
        tenant=planned.tenant or "" if planned else "",
        pool=holdings[0].pool if holdings else "",
        places=len(holdings[:most]),
        bound=min(want, sum(holding.bound for holding in holdings)),
        ready=min(want, progress.ready),
        want=want,
        done=done,
        lost=lost,
        accelerators=sum(holding.amounts.gpu_milli for holding in holdings) // GPU_MILLI,
        together=together,
        why=view.why,
        remarks=view.remarks,
        ending=progress.failing or (progress.ending and not holdings and view.hold is None),
        least=planned.elastic.least if planned and planned.elastic else 0,
        evicted=describe_eviction(view.evict, previous) if planned and planned.leaving else "",
        shrinking=describe_shrink(resize),
        idle=progress.idle,
        unstarted=progress.unstarted,
        began=view.untold is not None,
    )


def _count_wanted(planned: Workload) -> int:
    """Its pods, and those that it needs; what elastic work could have beyond that is not missing."""
    needed = planned.needs_min if planned.elastic is not None else len(planned.needs)
    return len(planned.holdings) + needed


def _count_lost(planned: Workload | None, progress: Progress, want: int) -> int:
    """Of a gang of one size: pods that have failed, beyond `want`."""
    if planned is None or planned.elastic is not None:
        return 0
    return max(0, min(progress.want - progress.succeeded - want, progress.failed))


def _find_outcome(previous: GPUWorkloadStatus) -> Outcome | None:
    """An end that was told stays told, also when its object is gone."""
    ended = find_condition(previous.conditions or [], "Succeeded")
    if ended is None or ended.status == "Unknown":
        return None
    return Reason.COMPLETED if ended.status == "True" else Reason.FAILED


def _build_wait(standing: Standing) -> Wait | None:
    if standing.outcome is not None:
        return None
    if standing.refusal:
        return Wait(reason=Reason.CHILD_REFUSED, message=shorten(standing.refusal))
    hold = standing.hold
    if hold is None and standing.idle and standing.want and not standing.have_places:
        return Wait(reason=Reason.NO_PODS, message=shorten(standing.idle))
    if hold is None:
        return None
    return Wait(
        reason=hold.reason,
        message=shorten(hold.message),
        position=hold.position or None,
        nearest_change=shorten(hold.nearest_change) or None,
    )


def _count_replicas(standing: Standing, previous: GPUWorkloadStatus) -> ReplicaCounts:
    """Of a gang, pods that have done their part still count: it does not become smaller while it ends."""
    if standing.ending and not standing.have_places and previous.replicas is not None:
        return previous.replicas
    if standing.outcome is not None:
        want = previous.replicas.want if previous.replicas else standing.want
        have = want if standing.outcome is Reason.COMPLETED else standing.bound
        return ReplicaCounts(ready=0, have=have, want=want, summary=f"{have}/{want}")
    have, want = standing.bound + standing.done, standing.want + standing.done
    return ReplicaCounts(ready=standing.ready, have=have, want=want, summary=f"{have}/{want}")


def _name_kind(workload: GPUWorkload) -> str:
    spec = workload.spec
    if spec.tracked is not None:
        return spec.tracked.kind
    return "Training" if spec.training is not None else "Inference" if spec.inference is not None else "HPC"

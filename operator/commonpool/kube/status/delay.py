"""How long news may be kept back: a gang that starts at once is told once, not at each step of its start.

A status is the dearest write there is (decision 0011). What waits, fails, ends or gives something back is told at once.
"""

from commonpool.api.conditions import find_condition
from commonpool.api.workloadstatus import GPUWorkloadStatus
from commonpool.kube.status.gpuworkload import WorkloadView, read_standing
from commonpool.kube.status.judgements import find_state
from commonpool.model.reasons import Reason

START_SECONDS = 3
"""So long a start may take before anything is told of it."""
STEP_SECONDS = 5
"""So long after one step of a slow start was told is the next: pods that are bound one after another are no news each."""
STEPS = frozenset({Reason.PLACED, Reason.STARTING})
"""States on the way from a place to running pods."""


def find_telling_at(view: WorkloadView, now_at: int) -> int | None:
    """Until when a workload's status may stay as it is although it could say more; None: it is told now.

    From facts alone, so that another process after a crash goes on waiting for the same instant. Where clocks
    differ so much that the start seems to lie ahead, nothing is kept back.
    """
    previous = view.workload.status or GPUWorkloadStatus()
    told = find_condition(previous.conditions or [], "Succeeded")
    if told is not None and told.reason not in STEPS:
        return None
    if view.shrink is not None or view.evict is not None or previous.resize is not None or (view.load is not None and view.load.problem):
        return None
    standing = read_standing(view, previous, None)
    if standing.outcome is not None or standing.message or standing.hold is not None or not standing.placed:
        return None
    if find_state(standing)[0] not in STEPS:
        return None
    since_at, patience = _find_since(view, previous, now_at), START_SECONDS if told is None else STEP_SECONDS
    return since_at + patience if since_at is not None and since_at <= now_at < since_at + patience else None


def _find_since(view: WorkloadView, previous: GPUWorkloadStatus, now_at: int) -> int | None:
    """Since when it has its places, or was told something of them; None if nobody knows."""
    if previous.accounted_at is not None:
        return int(previous.accounted_at.timestamp())
    if view.untold is not None:
        return view.untold.since_at
    return now_at if view.why else None

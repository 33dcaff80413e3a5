"""From when a workload's wait counts: time that it could not have run is no wait, nor is time that it ran until its owner stopped it.

What its status said last tells it: since when it is not admitted (its owner has suspended it, it is to start later or
after others, or asks for what there is not), or that it asked for nothing. So no process need remember it, and it makes no
difference by which of these ways a tenant keeps work back.
"""

from commonpool.api.conditions import find_condition
from commonpool.api.workloadstatus import GPUWorkloadStatus


def could_run(status: GPUWorkloadStatus) -> bool:
    """Whether it had a place, or nothing but the queue kept it from one, when this was told."""
    admitted = find_condition(status.conditions or [], "Admitted")
    return (admitted is None or admitted.status != "False") and (status.wait is not None or status.promised_at is not None)


def read_queued_at(status: GPUWorkloadStatus, created_at: int, now_at: int) -> int:
    """In seconds since 1970 if nothing but the queue keeps it back now; 0: from its creation on. `status`: as it was told last."""
    queued_at = _read_told(status)
    admitted = find_condition(status.conditions or [], "Admitted")
    if admitted is None or could_run(status):
        return queued_at
    if admitted.status != "False":
        return now_at
    return max(queued_at, created_at) + max(0, now_at - int(admitted.last_transition_time.timestamp()))


def leave_out_run(previous: GPUWorkloadStatus, wanted: GPUWorkloadStatus, created_at: int) -> int:
    """The same if its owner has just stopped it, later by the time that it ran; else 0.

    What the pool takes back keeps its age, the time that it ran too.
    """
    admitted = find_condition(wanted.conditions or [], "Admitted")
    if previous.promised_at is None or wanted.promised_at is not None or admitted is None or admitted.status != "False":
        return 0
    ran_seconds = max(0, int((admitted.last_transition_time - previous.promised_at).total_seconds()))
    return max(_read_told(previous), created_at) + ran_seconds if ran_seconds else 0


def _read_told(status: GPUWorkloadStatus) -> int:
    return int(status.queued_at.timestamp()) if status.queued_at is not None else 0

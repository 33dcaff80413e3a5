"""One Event for each change of a workload's state that somebody waits for, none for a pod."""

import hashlib
from datetime import UTC, datetime

from commonpool.api import GPUWorkload
from commonpool.api.conditions import find_condition
from commonpool.api.workloadstatus import GPUWorkloadStatus
from commonpool.kube.writes import Manifest
from commonpool.model.names import API_VERSION, OPERATOR_ACCOUNT
from commonpool.model.reasons import Reason

SILENT = frozenset({Reason.QUEUED, Reason.NO_PODS, Reason.STARTING, Reason.RUNNING})
"""States that follow from others by themselves: the pods tell them."""
LONGEST_NOTE = 1024


def find_event(workload: GPUWorkload, wanted: GPUWorkloadStatus, now_at: int) -> Manifest | None:
    """The Event for what changes between the status that `workload` has and the one it gets; None if nobody waits for it.

    The same change told twice has the same name, so that the second is refused as existing.
    """
    before = find_condition((workload.status.conditions if workload.status else None) or [], "Succeeded")
    after = find_condition(wanted.conditions or [], "Succeeded")
    if after is None or after.reason in SILENT or (before is not None and before.reason == after.reason):
        return None
    if before is None and after.reason == Reason.PLACED:
        return None  # nobody has waited
    return build_event(workload, after.reason, after.message, now_at)


def build_event(workload: GPUWorkload, reason: str, note: str, now_at: int) -> Manifest:
    """An Event about the workload, under the same word as its condition; of a bare pod's eviction about the pod: both go together."""
    metadata = workload.metadata
    tracked = workload.spec.tracked
    about = (API_VERSION, "GPUWorkload", metadata.name, metadata.uid or "")
    if tracked is not None and tracked.kind == "Pod" and reason == Reason.EVICTED:
        about = (tracked.api_version, tracked.kind, tracked.name, tracked.uid)
    api_version, kind, name, uid = about
    digest = hashlib.sha256(f"{metadata.uid}/{reason}/{now_at}".encode()).hexdigest()[:16]
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": f"{metadata.name[:200].rstrip('.-')}.{digest}", "namespace": metadata.namespace or "default"},
        "regarding": {"apiVersion": api_version, "kind": kind, "name": name, "namespace": metadata.namespace or "", "uid": uid},
        "type": "Normal" if reason in {Reason.PLACED, Reason.COMPLETED} else "Warning",
        "reason": reason,
        "action": "Planning",
        "note": note if len(note) <= LONGEST_NOTE else f"{note[: LONGEST_NOTE - 3]}...",
        "eventTime": datetime.fromtimestamp(now_at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
        "reportingController": "commonpool.dev/operator",
        "reportingInstance": OPERATOR_ACCOUNT,
    }

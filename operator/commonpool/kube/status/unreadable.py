"""What is said of a GPUWorkload that the operator cannot read, so that its owner is not left with silence."""

from commonpool.api.workloadstatus import GPUWorkloadStatus, Wait
from commonpool.kube.status.conditions import Judgement, build_conditions, shorten
from commonpool.kube.writes import Manifest
from commonpool.model.reasons import Reason

ADMITTED = "Admitted"


def build_unreadable_patch(problem: str, generation: int, now_at: int) -> Manifest:
    """The merge patch of its status; what was there before cannot be read either, and is replaced."""
    message = f"it cannot be read: {problem}"
    judgements = [Judgement(name, "False", Reason.INVALID_SPEC, message) for name in (ADMITTED, "Placed", "Running")]
    judgements.append(Judgement("Succeeded", "Unknown", Reason.INVALID_SPEC, message))
    status = GPUWorkloadStatus(
        observed_generation=generation,
        conditions=build_conditions(None, judgements, now_at, generation),
        wait=Wait(reason=Reason.INVALID_SPEC, message=shorten(message)),
    )
    return {"status": status.build_manifest()}

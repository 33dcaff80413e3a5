"""How much a tenant may ask for that others have to wait for: an administrator's limits, and what is asked beyond them."""

from dataclasses import dataclass

from commonpool.api.training import Training
from commonpool.api.wishes import parse_wishes
from commonpool.kube.read.runs import Run


@dataclass(frozen=True, slots=True)
class Bounds:
    """More than this counts as this much: else who borrows could keep what others are guaranteed as long as he likes.

    The grace is one bound for two waits, each of which it limits: for a last checkpoint, and for pods to end.
    """

    min_runtime_seconds: int = 3600
    grace_seconds: int = 600


DEFAULT_BOUNDS = Bounds()


def read_asked(run: Run) -> Bounds:
    """What its tenant asks for, whatever is allowed."""
    if not run.native:
        return Bounds(parse_wishes(read_written_wishes(run)).min_runtime_seconds or 0, 0)
    training = _find_training(run)
    if training is None:
        return Bounds(0, 0)
    return Bounds(training.min_runtime_seconds, training.checkpoint.grace_seconds if training.checkpoint is not None else 0)


def read_allowed(run: Run, most: Bounds) -> Bounds:
    """What of it counts."""
    asked = read_asked(run)
    return Bounds(min(asked.min_runtime_seconds, most.min_runtime_seconds), min(asked.grace_seconds, most.grace_seconds))


def read_grace_seconds(run: Run) -> int:
    """How long its pods may take to end, as their template, or the oldest of them, says."""
    shape = run.own.shape if run.native and run.own is not None else run.made.shape if run.made is not None else None
    shape = shape or (run.pods[0].shape if run.pods else None)
    return shape.grace_seconds if shape is not None else 0


def read_written_wishes(run: Run) -> dict[str, str]:
    """The annotations that refine an object which a tenant wrote as it is."""
    return dict(run.made.wishes if run.made is not None else run.pods[0].wishes if run.pods else ())


def _find_training(run: Run) -> Training | None:
    return run.own.parsed.spec.training if run.own is not None and run.own.parsed is not None else None

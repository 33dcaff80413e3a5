"""Where a GPUWorkload stands, and what would help: the status that the operator writes."""

from typing import Annotated, Any

from pydantic import Field

from commonpool.api.conditions import Conditions, ObservedGeneration
from commonpool.api.money import Money
from commonpool.api.names import Count, Label, Sentence, Tier, Total
from commonpool.api.resource import Model
from commonpool.api.rules import ATOMIC, PRESERVED
from commonpool.api.timestamp import Timestamp

Reason = Annotated[str, Field(max_length=128, pattern="^([A-Za-z][A-Za-z0-9]*)?$")]


class ExpectedStart(Model):
    """When it is expected to start."""

    from_: Annotated[Timestamp | None, Field(alias="from")] = None
    """Not before this instant."""
    to: Timestamp | None = None
    """Not after this instant, if all others use their whole time."""


class Wait(Model):
    """Why it waits, and what would start it."""

    reason: Reason
    """Why, in one word, e.g. QuotaReached."""
    message: Sentence
    """Why, in one sentence."""
    position: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """Its place among those that wait for the same pool."""
    expected_start: ExpectedStart | None = None
    """When it is expected to start; absent: nobody can tell."""
    nearest_change: Sentence | None = None
    """The smallest change that would start it now, e.g. "4 replicas instead of 8 would start now"."""


class ReplicaCounts(Model):
    """Its replicas, counted."""

    ready: Count | None = None
    """Pods that are ready."""
    have: Count = 0
    """Pods that are bound to a node."""
    want: Count = 0
    """Pods that it should have."""
    summary: Annotated[str, Field(max_length=32)] | None = None
    """have/want, e.g. 4/4."""


class Eviction(Model):
    """Why it lost its place."""

    rule: Reason
    """The rule that allowed it."""
    by: Annotated[str, Field(max_length=512)]
    """For what its place was needed; no other tenant is named."""
    at: Timestamp
    """When."""


class Resize(Model):
    """A shrink that is under way: it has been told, and keeps what it has until the instant has come or it has written a checkpoint."""

    replicas: Count
    """Replicas that stay: those of the lowest ranks, of a service the oldest."""
    at: Timestamp
    """When the others go."""
    told_at: Timestamp
    """When it was told: a checkpoint written after this instant ends the wait."""
    reason: Reason
    """Why, in one word."""
    message: Sentence
    """Why, in one sentence."""


class Span(Model):
    """Pods that began in the same second, with as many accelerators each."""

    since: Timestamp
    """When their kubelets took them (status.startTime)."""
    accelerators: Count
    """Of each of them."""
    pods: Annotated[str, Field(max_length=1_000_000)]
    """Which of them, by the last eight digits of their UIDs."""
    ended: bool | None = None
    """They have ended, and acceleratorSeconds has them; absent: they run."""


class GPUWorkloadStatus(Model):
    """Where it stands, and what would help."""

    observed_generation: ObservedGeneration | None = None
    """The metadata.generation that this status belongs to."""
    conditions: Conditions | None = None
    """Admitted: it may run here at all; Placed: all its replicas have their nodes; Running: its pods run; Succeeded: Unknown until it ends,
    its reason says where it stands. FollowsLoad, where there is a target: whether its load can be read."""
    wait: Wait | None = None
    """Why it waits, and what would start it; absent: it does not wait."""
    kind: Annotated[str, Field(max_length=63)] | None = None
    """What is run: Training, Inference, HPC, or the kind of the tracked object."""
    pool: Label | None = None
    """The pool where it runs."""
    choice: Sentence | None = None
    """Why it runs there: by what its pools were ranked when it got its place, and why better ones did not take it; absent: no other pool
    would do."""
    tenant: Label | None = None
    """Who pays."""
    tier: Tier | None = None
    """How firmly it runs now."""
    replicas: ReplicaCounts | None = None
    """Its replicas, counted."""
    accelerators: Count | None = None
    """Accelerators that it holds, promised ones too."""
    queued_at: Timestamp | None = None
    """From when its wait counts: later than its creation by all the time that it could not have run (Admitted was False: suspended by its
    owner, before its startTime, behind `after`), had nothing to run, or ran until its owner stopped it; absent: from its creation."""
    promised_at: Timestamp | None = None
    """When it was given its place."""
    accelerator_seconds: Total | None = None
    """What those of its pods that have ended have used: accelerators times seconds, from when its kubelet took the pod (status.startTime)
    until the last of its containers ended (finishedAt). `commonpool explain` and `top` add what runs."""
    cost: Money | None = None
    """What that cost."""
    accounted_at: Timestamp | None = None
    """When accelerators, acceleratorSeconds and cost were last written: together with other changes."""
    spans: Annotated[list[Span], Field(max_length=10_000), ATOMIC] | None = None
    """What acceleratorSeconds is counted from: pods that run, and those that have ended and are still there. Absent once all is counted."""
    resize: Resize | None = None
    """A shrink that is under way; absent: there is none. Its annotation on the pod of rank 0 says the same."""
    last_eviction: Eviction | None = None
    """Why it lost its place the last time; absent: it never did."""
    kopf: Annotated[dict[str, Any], PRESERVED] | None = None
    """Bookkeeping of the operator."""

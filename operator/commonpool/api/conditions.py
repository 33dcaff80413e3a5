"""Conditions as Kubernetes defines them (metav1.Condition): one a type, never a phase."""

from typing import Annotated, Literal

from pydantic import Field

from commonpool.api.names import Total
from commonpool.api.resource import Model
from commonpool.api.rules import keyed
from commonpool.api.timestamp import Timestamp


class Condition(Model):
    """One aspect of the state of an object, with the reason for it."""

    type: Annotated[str, Field(max_length=316, pattern="^[A-Za-z][A-Za-z0-9]*$")]
    """What is judged, in PascalCase."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    reason: Annotated[str, Field(min_length=1, max_length=128, pattern="^[A-Za-z][A-Za-z0-9]*$")]
    """Why, in one word: the same word as in metrics, events and the command line."""
    message: Annotated[str, Field(max_length=32768)]
    """Why, in one sentence, and what would change it."""
    last_transition_time: Timestamp
    """When `status` last changed."""
    observed_generation: Total | None = None
    """The metadata.generation that was judged."""


Conditions = Annotated[list[Condition], Field(max_length=16), keyed("type")]
ObservedGeneration = Total


def find_condition(conditions: list[Condition], kind: str) -> Condition | None:
    """Find the condition of this type; None if it was never set."""
    return next((condition for condition in conditions if condition.type == kind), None)

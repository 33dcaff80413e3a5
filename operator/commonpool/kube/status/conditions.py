"""Conditions from judgements: the time of a transition moves when the answer changes, not when the words do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from commonpool.api.conditions import Condition, find_condition

Answer = Literal["True", "False", "Unknown"]
LONGEST_SENTENCE = 1024


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is to be said of one aspect."""

    type: str
    status: Answer
    reason: str
    message: str


def build_conditions(
    previous: Sequence[Condition] | None, judgements: Iterable[Judgement], now_at: int, generation: int | None
) -> list[Condition]:
    """The conditions that say so, in the order of the judgements; others that were there stay behind them."""
    before = list(previous or ())
    built = []
    for judgement in judgements:
        old = find_condition(before, judgement.type)
        built.append(
            Condition(
                type=judgement.type,
                status=judgement.status,
                reason=judgement.reason,
                message=shorten(judgement.message),
                last_transition_time=old.last_transition_time if old and old.status == judgement.status else read_instant(now_at),
                observed_generation=generation,
            )
        )
    spoken = {condition.type for condition in built}
    return built + [condition for condition in before if condition.type not in spoken]


def read_instant(seconds: int) -> datetime:
    """Seconds since 1970 as the API's models hold them."""
    return datetime.fromtimestamp(seconds, UTC)


def shorten(sentence: str) -> str:
    """A sentence within the API's bound."""
    return sentence if len(sentence) <= LONGEST_SENTENCE else f"{sentence[: LONGEST_SENTENCE - 3]}..."

"""Wishes: annotations that a tenant may put on an object of its own; they refine what is tracked, and are never needed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import get_args

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from commonpool.api.names import Key, Tier
from commonpool.model.names import GROUP

TIER = f"{GROUP}/tier"
MIN_RUNTIME_SECONDS = f"{GROUP}/min-runtime-seconds"
PLACEMENT_REQUIRED = f"{GROUP}/placement-required"
CHECKPOINTED_AT = f"{GROUP}/checkpointed-at"

MOST_RUNTIME_SECONDS = 2_592_000

_TIER: TypeAdapter[Tier] = TypeAdapter(Tier)
_KEY: TypeAdapter[str] = TypeAdapter(Key)
_INSTANT: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was wished; None where nothing was, or nothing that can be read: then a sentence of `problems` says so."""

    tier: Tier | None = None
    min_runtime_seconds: int | None = None
    placement_required: str | None = None
    checkpointed_at: datetime | None = None
    problems: tuple[str, ...] = ()


def parse_wishes(annotations: Mapping[str, str] | None) -> Wishes:
    """Read the wishes among an object's annotations; mistakes are told, and never stop the rest."""
    wishes, given = Wishes(), annotations or {}
    if TIER in given:
        wishes = _with_tier(wishes, given[TIER])
    if MIN_RUNTIME_SECONDS in given:
        wishes = _with_min_runtime(wishes, given[MIN_RUNTIME_SECONDS])
    if PLACEMENT_REQUIRED in given:
        wishes = _with_placement(wishes, given[PLACEMENT_REQUIRED])
    if CHECKPOINTED_AT in given:
        wishes = _with_checkpoint(wishes, given[CHECKPOINTED_AT])
    return wishes


def _with_tier(wishes: Wishes, text: str) -> Wishes:
    try:
        return replace(wishes, tier=_TIER.validate_python(text))
    except ValidationError:
        return _with_problem(wishes, TIER, text, f"use one of {', '.join(get_args(Tier))}")


def _with_min_runtime(wishes: Wishes, text: str) -> Wishes:
    if text.isascii() and text.isdigit() and len(text) <= len(str(MOST_RUNTIME_SECONDS)) and int(text) <= MOST_RUNTIME_SECONDS:
        return replace(wishes, min_runtime_seconds=int(text))
    return _with_problem(wishes, MIN_RUNTIME_SECONDS, text, f"use whole seconds from 0 to {MOST_RUNTIME_SECONDS}")


def _with_placement(wishes: Wishes, text: str) -> Wishes:
    try:
        return replace(wishes, placement_required=_KEY.validate_python(text))
    except ValidationError:
        return _with_problem(wishes, PLACEMENT_REQUIRED, text, "use a topology level of the pool, like topology.commonpool.dev/rack")


def _with_checkpoint(wishes: Wishes, text: str) -> Wishes:
    try:
        return replace(wishes, checkpointed_at=_INSTANT.validate_strings(text))
    except ValidationError:
        return _with_problem(wishes, CHECKPOINTED_AT, text, "use an instant with its zone, like 2026-11-22T12:00:00Z")


def _with_problem(wishes: Wishes, annotation: str, text: str, way_out: str) -> Wishes:
    shown = text if len(text) <= 63 else f"{text[:60]}..."
    return replace(wishes, problems=(*wishes.problems, f"annotation {annotation} `{shown}` is not understood and has no effect: {way_out}"))

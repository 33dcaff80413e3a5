"""A round as a file, and planned again: what a live operator decided is what anybody can decide from the same facts."""

from dataclasses import dataclass
from difflib import unified_diff

from commonpool.engine.protocol import Engine
from commonpool.model.codec import parse_json, render_json
from commonpool.model.plan import Plan
from commonpool.model.snapshot import Snapshot
from commonpool.planner import plan_round


@dataclass(frozen=True, slots=True)
class Recording:
    """What a round saw and what it decided."""

    snapshot: Snapshot
    plan: Plan


def render_recording(recording: Recording) -> str:
    """As JSON, the same bytes for the same round."""
    return render_json(recording)


def parse_recording(text: str) -> Recording:
    """The round that `text` says; ValueError if it does not say one."""
    return parse_json(Recording, text)


def replay(recording: Recording, engine: Engine) -> Recording:
    """Plan the same snapshot again."""
    return Recording(recording.snapshot, plan_round(recording.snapshot, engine))


def find_difference(recording: Recording, again: Recording) -> str:
    """What differs between two plans, as a unified diff of their JSON; empty if nothing does."""
    before, after = (render_json(each.plan).splitlines(keepends=True) for each in (recording, again))
    return "".join(unified_diff(before, after, "recorded", "replayed"))

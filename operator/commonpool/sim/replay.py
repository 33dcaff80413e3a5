"""A recorded round, planned again: a bug report becomes a test.

A recording is one JSON text `{"plan": ..., "snapshot": ...}`: what `Cycle` is, written
by `model.codec`.
"""

from difflib import unified_diff
from itertools import islice

from commonpool.cycle import Cycle
from commonpool.engine.protocol import Engine
from commonpool.model.codec import parse_json, render_json
from commonpool.planner import plan_round

MOST_LINES = 40


def render_recording(cycle: Cycle) -> str:
    """The recording of a round."""
    return render_json(cycle)


def parse_recording(text: str) -> Cycle:
    """A round from its recording; ValueError if the text is none."""
    return parse_json(Cycle, text)


def find_difference(recording: Cycle, engine: Engine) -> str | None:
    """The first lines in which the plan of now differs from the recorded one (a unified diff); None if it is the same, byte for byte."""
    recorded, planned = render_json(recording.plan), render_json(plan_round(recording.snapshot, engine))
    if recorded == planned:
        return None
    lines = unified_diff(recorded.splitlines(), planned.splitlines(), "recorded", f"planned by {engine.name}", lineterm="")
    return "\n".join(islice(lines, MOST_LINES))

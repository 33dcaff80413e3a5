from dataclasses import replace

import pytest
from tests.builders import START_AT, make_nodes, make_pool, make_tenant, make_workload

from commonpool.cycle import Cycle
from commonpool.engine.reference import ReferenceEngine
from commonpool.model.codec import parse_json, render_json
from commonpool.model.plan import Plan
from commonpool.model.snapshot import Snapshot, build_snapshot
from commonpool.planner import plan_round
from commonpool.sim.replay import find_difference, parse_recording, render_recording

ENGINE = ReferenceEngine()


def make_round() -> Cycle:
    snapshot = build_snapshot(
        now_at=START_AT,
        epoch=3,
        number=12,
        pools=[make_pool()],
        nodes=make_nodes(4, racks=2),
        tenants=[make_tenant()],
        workloads=[make_workload("pretrain", replicas=3), make_workload("sweep", replicas=2, age=5)],
    )
    return Cycle(snapshot, plan_round(snapshot, ENGINE))


def test_a_recorded_round_comes_back_as_it_was() -> None:
    recording = make_round()
    assert parse_recording(render_recording(recording)) == recording
    assert render_recording(parse_recording(render_recording(recording))) == render_recording(recording)


def test_a_recorded_snapshot_is_planned_again_to_the_same_bytes() -> None:
    recording = make_round()
    assert find_difference(parse_recording(render_recording(recording)), ENGINE) is None


def test_a_plan_that_differs_is_shown_where_it_differs() -> None:
    recording = make_round()
    [place] = recording.plan.place
    altered = Cycle(recording.snapshot, replace(recording.plan, place=(replace(place, why=place.why.__class__.BORROWED),)))
    difference = find_difference(altered, ENGINE)
    assert difference is not None
    assert '-   "why": "Borrowed",' in difference
    assert '+   "why": "Shared",' in difference
    assert "planned by reference" in difference


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "7", '{"snapshot": {}}', '{"now_at": "soon", "epoch": 1, "number": 1}', '{"unheard": 1}', '{"now_at": true}']
)
def test_what_is_no_snapshot_is_refused_as_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 the words are json's or ours
        parse_json(Snapshot, text)


def test_what_is_no_recording_is_refused_as_a_value_error() -> None:
    with pytest.raises(ValueError, match="not a Cycle"):
        parse_recording(render_json(Plan(1, 1)))

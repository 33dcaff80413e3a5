from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonpool.api.wishes import CHECKPOINTED_AT, MIN_RUNTIME_SECONDS, PLACEMENT_REQUIRED, TIER, Wishes, parse_wishes


def test_nobody_has_to_wish() -> None:
    assert parse_wishes(None) == parse_wishes({"example.com/other": "x"}) == Wishes()


def test_all_wishes_are_read() -> None:
    annotations = {
        TIER: "Spot",
        MIN_RUNTIME_SECONDS: "900",
        PLACEMENT_REQUIRED: "topology.commonpool.dev/rack",
        CHECKPOINTED_AT: "2026-11-22T13:00:00+01:00",
    }
    assert parse_wishes(annotations) == Wishes("Spot", 900, "topology.commonpool.dev/rack", datetime(2026, 11, 22, 12, tzinfo=UTC))


@pytest.mark.parametrize(
    ("annotation", "text", "way_out"),
    [
        (TIER, "Gold", "use one of Guaranteed, Standard, Spot"),
        (MIN_RUNTIME_SECONDS, "15m", "use whole seconds"),
        (MIN_RUNTIME_SECONDS, "-1", "use whole seconds"),
        (MIN_RUNTIME_SECONDS, "9" * 5000, "use whole seconds"),
        (PLACEMENT_REQUIRED, "the same rack", "use a topology level"),
        (CHECKPOINTED_AT, "yesterday", "use an instant with its zone"),
        (CHECKPOINTED_AT, "2026-11-22T12:00:00", "use an instant with its zone"),
    ],
)
def test_a_mistake_is_told_and_has_no_effect(annotation: str, text: str, way_out: str) -> None:
    wishes = parse_wishes({annotation: text})
    [problem] = wishes.problems
    assert annotation in problem
    assert way_out in problem
    assert wishes == Wishes(problems=(problem,))


def test_one_mistake_does_not_spoil_the_others() -> None:
    wishes = parse_wishes({TIER: "Gold", MIN_RUNTIME_SECONDS: "900"})
    assert wishes.min_runtime_seconds == 900
    assert len(wishes.problems) == 1


@given(st.dictionaries(st.sampled_from([TIER, MIN_RUNTIME_SECONDS, PLACEMENT_REQUIRED, CHECKPOINTED_AT]), st.text()))
def test_whatever_is_written_is_answered(annotations: dict[str, str]) -> None:
    assert len(parse_wishes(annotations).problems) <= len(annotations)

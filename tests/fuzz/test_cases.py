"""The generator itself: it is the same again, it says everything that the schemas know, and most of what it calls right is right."""

from collections import Counter
from collections.abc import Iterator

import pytest
import yaml
from pydantic import ValidationError
from tests.fuzz.bounds import KINDS as WHOLE_KINDS
from tests.fuzz.bounds import break_each_bound, build_whole
from tests.fuzz.cases import KINDS, VALID, Case, build_case
from tests.fuzz.hostile import WHOLE
from tests.fuzz.schemas import CLUSTER_KINDS, Schema, read_schemas
from tests.fuzz.spoil import SPOTS, find_spots
from tests.fuzz.words import Town

from commonpool.api.schema import KINDS as OUR_KINDS

MANY = 3000


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return [build_case(1, number, Town()) for number in range(MANY)]


def test_the_same_seed_and_number_give_the_same_manifest(cases: list[Case]) -> None:
    again = build_case(1, 77, Town())
    assert again.render() == cases[77].render()
    assert build_case(2, 77, Town()).render() != again.render()


def test_every_kind_and_every_way_to_break_one_comes(cases: list[Case]) -> None:
    assert {case.kind for case in cases} == set(KINDS)
    ways = Counter(way for case in cases for way in case.how.split(" and "))
    assert set(ways) == {VALID, *SPOTS, *WHOLE}
    assert ways[VALID] > MANY / 3


def test_every_field_of_our_kinds_is_drawn(cases: list[Case]) -> None:
    drawn = {(case.kind, path) for case in cases if case.how == VALID for path in paths_of(case)}
    for kind in (*CLUSTER_KINDS, "GPUWorkload"):
        known = {path for path in list_fields(read_schemas()[kind]) if path[0] != "tracked" and path[-1] != "nodeName"}
        assert not known - {path for name, path in drawn if name == kind}, kind


def paths_of(case: Case) -> Iterator[tuple[str, ...]]:
    for spot in find_spots(case.manifest, "spec", read_schemas()[case.kind]):
        yield from_template(tuple(step for step in spot.path if not step.isdigit()))


def from_template(path: tuple[str, ...]) -> tuple[str, ...]:
    """A template is the same wherever it stands."""
    return path[path.index("template") :] if "template" in path else path


def list_fields(schema: Schema, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    properties = schema.get("properties", {})
    assert isinstance(properties, dict)
    for name, part in properties.items():
        yield from_template((*path, name))
        inner = part.get("items", part)
        yield from list_fields(inner, (*path, name))


def test_what_is_called_right_can_be_read(cases: list[Case]) -> None:
    models = {kind.resource.kind: kind for kind in OUR_KINDS}
    ours = [case for case in cases if case.how == VALID and case.kind in models]
    refused = 0
    for case in ours:
        try:
            models[case.kind].model_validate(case.manifest)
        except ValidationError:
            refused += 1
    assert refused < len(ours) / 20


def test_a_case_is_told_as_yaml_that_can_be_read_again(cases: list[Case]) -> None:
    told = cases[5].render()
    assert "--fuzz-seed 1 --fuzz-from 5 --fuzz 1" in told
    assert yaml.safe_load(told) == cases[5].manifest


@pytest.mark.parametrize("kind", WHOLE_KINDS)
def test_a_whole_manifest_can_be_read_and_each_of_its_bounds_is_broken_alone(kind: str) -> None:
    models = {model.resource.kind: model for model in OUR_KINDS}
    whole = build_whole(kind)
    models[whole["kind"]].model_validate(whole)
    broken = [each.manifest for each in break_each_bound(kind)]
    assert len(broken) > 25
    assert all(manifest != whole for manifest in broken)

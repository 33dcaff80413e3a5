"""What goes in and what comes out, whole, as YAML."""

from pathlib import Path

import pytest
from tests.kube.goldens import find_cases, get_output, render_case

CASES = find_cases()


@pytest.mark.parametrize("case", CASES, ids=[f"{case.parent.name}/{case.name.removesuffix('.in.yaml')}" for case in CASES])
def test_what_is_built_is_what_was_agreed(case: Path) -> None:
    assert render_case(case) == get_output(case).read_text()


def test_every_output_belongs_to_a_case() -> None:
    assert {get_output(case) for case in CASES} == set(CASES[0].parent.parent.glob("*/*.out.yaml"))

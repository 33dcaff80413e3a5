from array import array
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.problems import make_conversation, make_problem, run_problem

from commonpool.engine.protocol import Engine, Fleet, GangRequest
from commonpool.engine.reference import ReferenceEngine

PROBLEMS = 12_000
CONVERSATIONS = 1000
BLOCK = 2000
GANGS = ((1000, 5, 1), (2000, 90, 0), (8000, 12, 0), (500, 33, -1), (8000, 300, -1), (4000, 11, 1), (1000, 700, -1))


@pytest.mark.parametrize("first", range(0, PROBLEMS, BLOCK))
def test_native_and_reference_agree_on_thousands_of_problems(native: Engine, first: int) -> None:
    reference = ReferenceEngine()
    placed = 0
    for seed in range(first, first + BLOCK):
        problem = make_problem(Random(seed))  # noqa: S311 - a reproducible problem, not a secret
        expected = list(run_problem(reference, problem))
        assert list(run_problem(native, problem)) == expected, f"seed {seed}: {problem}"
        placed += sum(len(nodes) for _, nodes, _ in expected)
    assert placed > BLOCK  # the problems are not all trivial


@given(st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_native_and_reference_agree_on_what_hypothesis_finds(native: Engine, rng: Random) -> None:
    problem = make_problem(rng)
    assert list(run_problem(native, problem)) == list(run_problem(ReferenceEngine(), problem))


def test_native_and_reference_agree_on_questions_that_come_again(native: Engine) -> None:
    reference = ReferenceEngine()
    for seed in range(CONVERSATIONS):
        problem = make_conversation(Random(seed))  # noqa: S311 - a reproducible problem, not a secret
        assert list(run_problem(native, problem)) == list(run_problem(reference, problem)), f"seed {seed}: {problem}"


@given(st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_native_and_reference_agree_on_questions_between_changes_that_hypothesis_finds(native: Engine, rng: Random) -> None:
    problem = make_conversation(rng)
    assert list(run_problem(native, problem)) == list(run_problem(ReferenceEngine(), problem))


def test_native_and_reference_agree_where_all_nodes_tie(native: Engine) -> None:
    nodes = 300
    fleet = Fleet(
        free=array("q", [8000, 64000, 1 << 40, 110] * nodes),
        capacity=array("q", [8000, 64000, 1 << 40, 110] * nodes),
        levels=2,
        domains=array("q", [*(node // 100 for node in range(nodes)), *(node // 10 for node in range(nodes))]),
        classes=array("q", [1000, 8000, 1 << 37, 1, 3, 8000, 64000, 1 << 40, 1, 5]),
    )
    everywhere = array("q", range(nodes))
    with native.open(fleet) as fast, ReferenceEngine().open(fleet) as right:
        for gpu, count, level in GANGS:
            request = GangRequest((gpu, gpu * 8, gpu << 27, 1), 1, count, level)
            assert fast.place(request, fast.select(everywhere)) == right.place(request, right.select(everywhere))


def test_numbers_at_the_limits_are_scored_exactly(native: Engine) -> None:
    huge = (1 << 32, 1 << 50, 1 << 50, 1 << 50)
    fleet = Fleet(
        free=array("q", [*huge, *huge, -(1 << 32), 1, 1, 1]),
        capacity=array("q", huge * 3),
        levels=0,
        domains=array("q"),
        classes=array("q", [1, 1 << 50, 0, 0, (1 << 28) - 1, *huge, 1]),
    )
    everywhere = array("q", range(3))
    with native.open(fleet) as fast, ReferenceEngine().open(fleet) as right:
        for request in (
            GangRequest((1, 0, 0, 0), 1, 40),
            GangRequest((1 << 31, 1 << 49, 3, 1), 0, 9),
            GangRequest((0, 1, 0, 0), 5, 1 << 10),
        ):
            assert fast.place(request, fast.select(everywhere)) == right.place(request, right.select(everywhere))

from array import array
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.cardproblems import make_card_fleet, make_card_problem, run_card_problem

from commonpool.engine.cardnative import CardEngine, load_cards
from commonpool.engine.cardreference import CardReference
from commonpool.engine.cards import NOWHERE, CardClass, CardFleet, CardPacking, CardPod
from commonpool.engine.exact import exact_exp, exact_log
from commonpool.engine.protocol import Fault
from commonpool.errors import EngineError, SetupError

PROBLEMS = 3000
BLOCK = 500
Open = Callable[[CardFleet], CardPacking]

WHOLE = (96_000, 100, 110, 0, (1000,) * 8)
MIX = [
    CardClass(11_300, 1, 1000, 0, 0, 50),
    CardClass(4000, 1, 470, 0, 0, 20),
    CardClass(3152, 1, 810, 0, 0, 30),
    CardClass(16_000, 0, 0, 0, 0, 10),
]


@pytest.fixture(scope="session")
def cards(libpacking: Path) -> CardEngine:
    return load_cards(libpacking)


@pytest.fixture(params=["reference", "native"])
def opened(request: pytest.FixtureRequest) -> Open:
    if request.param == "reference":
        return CardReference
    found: CardEngine = request.getfixturevalue("cards")
    return found.open


@pytest.mark.parametrize("first", range(0, PROBLEMS, BLOCK))
def test_native_and_reference_agree_on_thousands_of_problems(cards: CardEngine, first: int) -> None:
    placed = 0
    for seed in range(first, first + BLOCK):
        problem = make_card_problem(Random(seed))  # noqa: S311 - a reproducible problem, not a secret
        expected = run_card_problem(CardReference(problem.fleet), problem)
        with cards.open(problem.fleet) as packing:
            assert run_card_problem(packing, problem) == expected, f"seed {seed}: {problem}"
        placed += sum(node != NOWHERE for node, _ in expected)
    assert placed > BLOCK  # the problems are not all trivial


@given(st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_native_and_reference_agree_on_what_hypothesis_finds(cards: CardEngine, rng: Random) -> None:
    problem = make_card_problem(rng)
    with cards.open(problem.fleet) as packing:
        assert run_card_problem(packing, problem) == run_card_problem(CardReference(problem.fleet), problem)


def test_native_and_reference_learn_the_same_prices_in_many_rounds(cards: CardEngine) -> None:
    fleet = make_card_fleet([WHOLE, (104_000, 100, 110, 1, (1000, 1000)), (16_000, 100, 110, 2, (1000, 530))], MIX, 40)
    pods = array("q", [number for known in MIX * 4 for number in (known.cpu_milli, 1, known.cards, known.milli, known.models, 0)])
    with cards.open(fleet) as packing:
        assert packing.place(pods) == CardReference(fleet).place(pods)


def test_a_sequence_in_one_call_is_what_single_calls_are(opened: Open) -> None:
    fleet = make_card_fleet([WHOLE, WHOLE], MIX, 5)
    pods = [CardPod(known.cpu_milli, 1, known.cards, known.milli) for known in MIX * 5]
    with opened(fleet) as packing, opened(fleet) as other:
        singly = [place for pod in pods for place in other.place(array("q", pod))]
        assert packing.place(array("q", [number for pod in pods for number in pod])) == singly


def test_shared_pods_that_fill_a_card_meet_on_it(opened: Open) -> None:
    fleet = make_card_fleet(
        [WHOLE], [CardClass(1000, 1, 530, 0, 0, 10), CardClass(1000, 1, 470, 0, 0, 10), CardClass(1000, 1, 1000, 0, 0, 10)], 50
    )
    with opened(fleet) as packing:
        places = packing.place(array("q", [*CardPod(1000, 1, 1, 530), *CardPod(1000, 1, 1, 470)]))
    assert places == [(0, 1), (0, 1)]


def test_a_pod_spares_the_model_that_work_insists_on(opened: Open) -> None:
    nodes = [(96_000, 100, 110, 0, (1000,) * 2), (96_000, 100, 110, 1, (1000,) * 2)]
    for wanted in (0, 1):
        mix = [CardClass(1000, 1, 1000, 1 << wanted, 0, 10), CardClass(1000, 1, 1000, 0, 0, 10)]
        with opened(make_card_fleet(nodes, mix, 20)) as packing:
            assert packing.place(array("q", CardPod(1000, 1, 1, 1000))) == [(1 - wanted, 1)]


@pytest.mark.parametrize("insists_on", [0, 1 << 2])
def test_where_work_insists_on_a_model_a_pod_spares_others_of_few_cards_too(opened: Open, insists_on: int) -> None:
    """Nobody in the mix insists on model 1, but work too rare to be in it may. The first node is taken if nothing tells them apart."""
    nodes = [(96_000, 100, 110, model, (1000,) * 8) for model in (1, 0, 0, 2)]
    mix = [*MIX, CardClass(11_300, 1, 1000, insists_on, 0, 5)]
    with opened(make_card_fleet(nodes, mix, 50)) as packing:
        [(node, _)] = packing.place(array("q", CardPod(11_300, 8, 1, 1000)))
    assert (node == 0) is (not insists_on)


def test_a_pod_that_fits_nowhere_is_told_so_and_takes_nothing(opened: Open) -> None:
    with opened(make_card_fleet([(96_000, 100, 1, 0, (500, 400))], MIX, 1)) as packing:
        assert packing.place(array("q", CardPod(0, 0, 1, 501))) == [(NOWHERE, 0)]
        assert packing.place(array("q", CardPod(0, 0, 1, 500))) == [(0, 1)]
        assert packing.place(array("q", CardPod(0, 0, 0, 0))) == [(NOWHERE, 0)]


def test_what_is_given_back_can_be_taken_again(opened: Open) -> None:
    pod = CardPod(96_000, 100, 8, 1000)
    with opened(make_card_fleet([WHOLE], MIX, 1)) as packing:
        for _ in range(3):
            assert packing.place(array("q", pod)) == [(0, 0xFF)]
            assert packing.place(array("q", pod)) == [(NOWHERE, 0)]
            packing.give(0, pod, 0xFF)


@pytest.mark.parametrize(
    ("pod", "code"),
    [
        (CardPod(1, 1, 2, 500), Fault.BAD_VALUE),
        (CardPod(1, 1, 1, 0), Fault.BAD_VALUE),
        (CardPod(-1, 1, 1, 1000), Fault.BAD_VALUE),
        (CardPod(1, 1, 17, 1000), Fault.BAD_VALUE),
        (CardPod(1, 1, 1, 1000, -1), Fault.BAD_VALUE),
        (CardPod(1 << 51, 1, 1, 1000), Fault.OVERFLOW),
    ],
)
def test_what_is_no_pod_is_refused_and_nothing_before_it_placed(opened: Open, pod: CardPod, code: Fault) -> None:
    good = CardPod(96_000, 1, 8, 1000)
    with opened(make_card_fleet([WHOLE], MIX, 1)) as packing:
        with pytest.raises(EngineError) as refused:
            packing.place(array("q", [*good, *pod]))
        assert refused.value.code == code
        with pytest.raises(EngineError):
            packing.give(0, pod, 1)
        assert packing.place(array("q", good)) == [(0, 0xFF)]


@pytest.mark.parametrize(
    ("node", "held"), [(1, 1), (-1, 1), (0, 2), (0, 3), (0, -1), (0, 1 << 8), (1 << 70, 1)], ids=lambda value: f"{value}"
)
def test_what_was_never_taken_is_not_given_back(opened: Open, node: int, held: int) -> None:
    pod = CardPod(1000, 1, 1, 700)
    with opened(make_card_fleet([WHOLE], MIX, 1)) as packing:
        assert packing.place(array("q", pod)) == [(0, 1)]
        with pytest.raises(EngineError) as refused:
            packing.give(node, pod, held)
        assert refused.value.code == Fault.BAD_VALUE


@pytest.mark.parametrize(
    ("fleet", "code"),
    [
        (CardFleet(array("q"), array("q"), array("q")), Fault.BAD_LENGTH),
        (CardFleet(array("q", [1]), array("q"), array("q")), Fault.BAD_LENGTH),
        (CardFleet(array("q", [1, 1, 1, 0, 2]), array("q", [1000]), array("q")), Fault.BAD_LENGTH),
        (CardFleet(array("q", [1, 1, 1, 0, 0]), array("q", [1000]), array("q")), Fault.BAD_LENGTH),
        (CardFleet(array("q", [1, 1, 1, 63, 0]), array("q"), array("q")), Fault.BAD_VALUE),
        (CardFleet(array("q", [1, 1, 1, 0, 17]), array("q", [0] * 17), array("q")), Fault.BAD_VALUE),
        (CardFleet(array("q", [1, 1, 1, 0, 1]), array("q", [1001]), array("q")), Fault.BAD_VALUE),
        (CardFleet(array("q", [1, -1, 1, 0, 0]), array("q"), array("q")), Fault.BAD_VALUE),
        (CardFleet(array("q", [1 << 51, 1, 1, 0, 0]), array("q"), array("q")), Fault.OVERFLOW),
        (CardFleet(array("q", [1, 1, 1, 0, 0]), array("q"), array("q", [1, 1, 500, 0, 0, 0])), Fault.BAD_VALUE),
        (CardFleet(array("q", [1, 1, 1, 0, 0]), array("q"), array("q", [1, 1, 500, 0, 0, 1 << 29])), Fault.OVERFLOW),
        (CardFleet(array("q", [1, 1, 1, 0, 0]), array("q"), array("q"), rounds=-1), Fault.BAD_VALUE),
        (CardFleet(array("q", [1, 1, 1, 0, 0]), array("q"), array("q"), rounds=1 << 20), Fault.OVERFLOW),
        (CardFleet(array("l", [1, 1, 1, 0, 0]), array("q"), array("q")), Fault.BAD_LENGTH),
    ],
)
def test_a_fleet_that_cannot_be_is_refused(opened: Open, fleet: CardFleet, code: Fault) -> None:
    with pytest.raises(EngineError) as refused:
        opened(fleet)
    assert refused.value.code == code


def test_a_closed_packing_takes_no_call(opened: Open) -> None:
    packing = opened(make_card_fleet([WHOLE], MIX, 1))
    packing.close()
    packing.close()
    with pytest.raises(EngineError) as refused:
        packing.place(array("q", CardPod(1, 1, 1, 1000)))
    assert refused.value.code == Fault.BAD_HANDLE


def test_a_library_without_cards_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError):
        load_cards(tmp_path / "none.so")


@given(st.floats(-690, 690))
def test_the_exact_functions_are_those_of_mathematics(x: float) -> None:
    assert exact_exp(-800) == 0
    power = exact_exp(x)
    if power >= 1:
        assert exact_log(power) == pytest.approx(x, abs=1e-9, rel=1e-13)
    assert exact_exp(x) * exact_exp(-x) == pytest.approx(1, rel=1e-12)

"""What no caller should ask is refused with the same code by both engines, and changes nothing."""

from array import array
from collections.abc import Callable
from typing import Any

import pytest
from tests.engine.problems import make_fleet

from commonpool.engine.protocol import Engine, Fault, Fleet, GangRequest, Packing
from commonpool.errors import BugError, EngineError

NODES = [(8000, 64000, 64, 10)] * 3
POD = (1000, 1000, 1, 1)
ALL = array("q", [0, 1, 2])
BEYOND = 1 << 70


def flat(*numbers: int) -> "array[int]":
    return array("q", numbers)


FLEETS = {
    "free is no multiple of four": (Fleet(flat(1, 2, 3), 0, flat(), flat()), Fault.BAD_LENGTH),
    "a row of domains is short": (Fleet(flat(1, 2, 3, 4), 2, flat(0), flat()), Fault.BAD_LENGTH),
    "levels below zero": (Fleet(flat(1, 2, 3, 4), -1, flat(), flat()), Fault.BAD_LENGTH),
    "too many levels": (Fleet(flat(1, 2, 3, 4), 17, flat(*[0] * 17), flat()), Fault.BAD_LENGTH),
    "half a class": (Fleet(flat(1, 2, 3, 4), 0, flat(), flat(1, 1, 1)), Fault.BAD_LENGTH),
    "not 64-bit": (Fleet(array("i", [1, 2, 3, 4]), 0, flat(), flat()), Fault.BAD_LENGTH),
    "a domain number as large as the fleet": (make_fleet(NODES, [0, 1, 3]), Fault.BAD_VALUE),
    "a domain number below -1": (make_fleet(NODES, [0, 1, -2]), Fault.BAD_VALUE),
    "a class with less than nothing": (make_fleet(NODES, classes=[(1000, -1, 0, 0, 1)]), Fault.BAD_VALUE),
    "a class with nothing": (make_fleet(NODES, classes=[(0, 0, 0, 0, 1)]), Fault.BAD_VALUE),
    "a weight below zero": (make_fleet(NODES, classes=[(1, 1, 1, 1, -1)]), Fault.BAD_VALUE),
    "weights beyond the limit": (make_fleet(NODES, classes=[(1, 1, 1, 1, 1 << 28), (1, 1, 1, 1, 1)]), Fault.OVERFLOW),
    "a weight that wraps": (make_fleet(NODES, classes=[(1, 1, 1, 1, 1), (1, 1, 1, 1, (1 << 63) - 1)]), Fault.OVERFLOW),
    "a class beyond the limit": (make_fleet(NODES, classes=[((1 << 32) + 1, 1, 1, 1, 1)]), Fault.OVERFLOW),
    "more cards than the limit": (make_fleet([((1 << 32) + 1, 0, 0, 0)]), Fault.OVERFLOW),
    "more memory than the limit": (make_fleet([(0, 0, (1 << 50) + 1, 0)]), Fault.OVERFLOW),
    "the least number there is": (make_fleet([(0, 0, 0, -(1 << 63))]), Fault.OVERFLOW),
}

REQUESTS = {
    "less than nothing": (GangRequest((1000, -1, 0, 1), 1, 1), ALL, Fault.BAD_VALUE),
    "nothing": (GangRequest((0, 0, 0, 0), 1, 1), ALL, Fault.BAD_VALUE),
    "three amounts": (GangRequest((1, 1, 1), 1, 1), ALL, Fault.BAD_LENGTH),  # type: ignore[arg-type]
    "too many cards": (GangRequest(((1 << 32) + 1, 0, 0, 0), 1, 1), ALL, Fault.OVERFLOW),
    "beyond 64 bits": (GangRequest((BEYOND, 0, 0, 0), 1, 1), ALL, Fault.OVERFLOW),
    "below 64 bits": (GangRequest((-BEYOND, 0, 0, 0), 1, 1), ALL, Fault.BAD_VALUE),
    "no pods": (GangRequest(POD, 0, 0), ALL, Fault.BAD_VALUE),
    "pods below zero": (GangRequest(POD, 0, -5), ALL, Fault.BAD_VALUE),
    "a least count below zero": (GangRequest(POD, -1, 1), ALL, Fault.BAD_VALUE),
    "more at least than at most": (GangRequest(POD, 2, 1), ALL, Fault.BAD_VALUE),
    "a level below anywhere": (GangRequest(POD, 1, 1, -2), ALL, Fault.BAD_VALUE),
    "a level that is not there": (GangRequest(POD, 1, 1, 1), ALL, Fault.BAD_VALUE),
    "too many pods": (GangRequest(POD, 1, (1 << 20) + 1), ALL, Fault.OVERFLOW),
    "pods beyond 64 bits": (GangRequest(POD, 1, BEYOND), ALL, Fault.OVERFLOW),
    "eligible not ascending": (GangRequest(POD, 1, 1), flat(1, 0), Fault.BAD_VALUE),
    "eligible twice": (GangRequest(POD, 1, 1), flat(1, 1), Fault.BAD_VALUE),
    "eligible below zero": (GangRequest(POD, 1, 1), flat(-1, 0), Fault.BAD_VALUE),
    "eligible outside": (GangRequest(POD, 1, 1), flat(0, 3), Fault.BAD_VALUE),
    "eligible not 64-bit": (GangRequest(POD, 1, 1), array("i", [0]), Fault.BAD_LENGTH),
}

ADDS = {
    "a node outside": (3, POD, Fault.BAD_VALUE),
    "a node below zero": (-1, POD, Fault.BAD_VALUE),
    "a node beyond 64 bits": (BEYOND, POD, Fault.BAD_VALUE),
    "three amounts": (0, (1, 1, 1), Fault.BAD_LENGTH),
    "more than the limit": (0, (0, 0, (1 << 50) + 1, 0), Fault.OVERFLOW),
    "beyond 64 bits": (0, (0, 0, BEYOND, 0), Fault.OVERFLOW),
    "more than the limit with what is there": (0, (1 << 32, 0, 0, 0), Fault.OVERFLOW),
}


def expect_refusal(fault: Fault, call: Callable[[], object]) -> None:
    with pytest.raises(EngineError) as caught:
        call()
    assert caught.value.code == fault
    assert isinstance(caught.value, BugError)


def expect_unchanged(packing: Packing) -> None:
    answer = packing.place(GangRequest((8000, 64000, 64, 10), 3, 3), ALL)
    assert answer.nodes == ALL


@pytest.mark.parametrize("case", FLEETS)
def test_a_senseless_fleet_is_refused(engine: Engine, case: str) -> None:
    fleet, fault = FLEETS[case]
    expect_refusal(fault, lambda: engine.open(fleet))


@pytest.mark.parametrize("case", REQUESTS)
def test_a_senseless_gang_is_refused_and_changes_nothing(engine: Engine, case: str) -> None:
    request, eligible, fault = REQUESTS[case]
    with engine.open(make_fleet(NODES, [0, 0, 0])) as packing:
        expect_refusal(fault, lambda: packing.place(request, eligible))
        expect_unchanged(packing)


@pytest.mark.parametrize("case", ADDS)
def test_a_senseless_addition_is_refused_and_changes_nothing(engine: Engine, case: str) -> None:
    node, amounts, fault = ADDS[case]
    wrong: Any = amounts
    with engine.open(make_fleet(NODES)) as packing:
        expect_refusal(fault, lambda: packing.add(node, wrong))
        expect_unchanged(packing)


def test_a_closed_packing_refuses_everything_but_closing(engine: Engine) -> None:
    with engine.open(make_fleet(NODES)) as packing:
        pass
    packing.close()
    expect_refusal(Fault.BAD_HANDLE, lambda: packing.place(GangRequest(POD, 1, 1), ALL))
    expect_refusal(Fault.BAD_HANDLE, lambda: packing.add(0, POD))


def test_two_packings_of_one_fleet_know_nothing_of_each_other(engine: Engine) -> None:
    fleet = make_fleet(NODES)
    with engine.open(fleet) as one, engine.open(fleet) as other:
        expect_unchanged(one)
        expect_unchanged(other)
    assert fleet == make_fleet(NODES)

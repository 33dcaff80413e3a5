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


def fleet(free: "array[int]", levels: int, domains: "array[int]", classes: "array[int]") -> Fleet:
    return Fleet(free, array("q", free), levels, domains, classes)


FLEETS = {
    "free is no multiple of four": (fleet(flat(1, 2, 3), 0, flat(), flat()), Fault.BAD_LENGTH),
    "a row of domains is short": (fleet(flat(1, 2, 3, 4), 2, flat(0), flat()), Fault.BAD_LENGTH),
    "levels below zero": (fleet(flat(1, 2, 3, 4), -1, flat(), flat()), Fault.BAD_LENGTH),
    "too many levels": (fleet(flat(1, 2, 3, 4), 17, flat(*[0] * 17), flat()), Fault.BAD_LENGTH),
    "half a class": (fleet(flat(1, 2, 3, 4), 0, flat(), flat(1, 1, 1)), Fault.BAD_LENGTH),
    "not 64-bit": (Fleet(array("i", [1, 2, 3, 4]), flat(1, 2, 3, 4), 0, flat(), flat()), Fault.BAD_LENGTH),
    "a capacity of another length": (Fleet(flat(1, 2, 3, 4), flat(), 0, flat(), flat()), Fault.BAD_LENGTH),
    "a capacity beyond the limit": (make_fleet(NODES, capacity=[(8000, 64000, 64, 10)] * 2 + [(0, 0, 1 << 51, 0)]), Fault.OVERFLOW),
    "a domain in two wider ones": (make_fleet(NODES, [0, 0, 1], [0, 1, 1]), Fault.BAD_VALUE),
    "a domain in two wider ones beyond a gap": (make_fleet(NODES, [0, 0, 1], [-1, -1, -1], [0, 1, 1]), Fault.BAD_VALUE),
    "a domain half of which is in a wider one": (make_fleet(NODES, [0, -1, 1], [0, 0, 1]), Fault.BAD_VALUE),
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
    "less than nothing": (GangRequest((1000, -1, 0, 1), 1, 1), Fault.BAD_VALUE),
    "nothing": (GangRequest((0, 0, 0, 0), 1, 1), Fault.BAD_VALUE),
    "three amounts": (GangRequest((1, 1, 1), 1, 1), Fault.BAD_LENGTH),  # type: ignore[arg-type]
    "too many cards": (GangRequest(((1 << 32) + 1, 0, 0, 0), 1, 1), Fault.OVERFLOW),
    "beyond 64 bits": (GangRequest((BEYOND, 0, 0, 0), 1, 1), Fault.OVERFLOW),
    "below 64 bits": (GangRequest((-BEYOND, 0, 0, 0), 1, 1), Fault.BAD_VALUE),
    "no pods": (GangRequest(POD, 0, 0), Fault.BAD_VALUE),
    "pods below zero": (GangRequest(POD, 0, -5), Fault.BAD_VALUE),
    "a least count below zero": (GangRequest(POD, -1, 1), Fault.BAD_VALUE),
    "more at least than at most": (GangRequest(POD, 2, 1), Fault.BAD_VALUE),
    "a level below anywhere": (GangRequest(POD, 1, 1, -2), Fault.BAD_VALUE),
    "a level that is not there": (GangRequest(POD, 1, 1, 2), Fault.BAD_VALUE),
    "too many pods": (GangRequest(POD, 1, (1 << 20) + 1), Fault.OVERFLOW),
    "pods beyond 64 bits": (GangRequest(POD, 1, BEYOND), Fault.OVERFLOW),
    "a preferred level that is not there": (GangRequest(POD, 1, 1, preferred=2), Fault.BAD_VALUE),
    "a segment without a level": (GangRequest(POD, 1, 2, segment=2), Fault.BAD_VALUE),
    "a segment of nothing": (GangRequest(POD, 1, 2, segment=0), Fault.BAD_VALUE),
    "a segment level without segments": (GangRequest(POD, 1, 2, segment_level=0), Fault.BAD_VALUE),
    "segments that are wider than the gang": (GangRequest(POD, 1, 2, 1, segment=2, segment_level=0), Fault.BAD_VALUE),
    "too large segments": (GangRequest(POD, 1, 2, segment=(1 << 20) + 1, segment_level=0), Fault.OVERFLOW),
    "segments beyond 64 bits": (GangRequest(POD, 1, 2, segment=BEYOND, segment_level=0), Fault.OVERFLOW),
    "a spread over no domains": (GangRequest(POD, 1, 2, spread_level=0), Fault.BAD_VALUE),
    "a number of domains without a spread": (GangRequest(POD, 1, 2, min_domains=1), Fault.BAD_VALUE),
    "a skew without a spread": (GangRequest(POD, 1, 2, max_skew=1), Fault.BAD_VALUE),
    "a skew below zero": (GangRequest(POD, 1, 2, spread_level=0, min_domains=1, max_skew=-1), Fault.BAD_VALUE),
    "a spread that is as wide as the gang": (GangRequest(POD, 1, 2, 0, spread_level=0, min_domains=1), Fault.BAD_VALUE),
    "a spread inside of segments": (GangRequest(POD, 1, 2, segment=2, segment_level=0, spread_level=1, min_domains=1), Fault.BAD_VALUE),
    "too many pods to spread": (GangRequest(POD, 1, (1 << 11) + 1, spread_level=0, min_domains=1), Fault.OVERFLOW),
    "too many domains to spread over": (GangRequest(POD, 1, 2, spread_level=0, min_domains=(1 << 11) + 1), Fault.OVERFLOW),
    "a skew beyond 64 bits": (GangRequest(POD, 1, 2, spread_level=0, min_domains=1, max_skew=BEYOND), Fault.OVERFLOW),
}

CHOICES = {
    "eligible not ascending": (flat(1, 0), Fault.BAD_VALUE),
    "eligible twice": (flat(1, 1), Fault.BAD_VALUE),
    "eligible below zero": (flat(-1, 0), Fault.BAD_VALUE),
    "eligible outside": (flat(0, 3), Fault.BAD_VALUE),
    "eligible not 64-bit": (array("i", [0]), Fault.BAD_LENGTH),
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
    answer = packing.place(GangRequest((8000, 64000, 64, 10), 3, 3), packing.select(ALL))
    assert answer.nodes == ALL


@pytest.mark.parametrize("case", FLEETS)
def test_a_senseless_fleet_is_refused(engine: Engine, case: str) -> None:
    senseless, fault = FLEETS[case]
    expect_refusal(fault, lambda: engine.open(senseless))


@pytest.mark.parametrize("case", REQUESTS)
def test_a_senseless_gang_is_refused_and_changes_nothing(engine: Engine, case: str) -> None:
    request, fault = REQUESTS[case]
    with engine.open(make_fleet(NODES, [0, 0, 0], [0, 0, 1])) as packing:
        site = packing.select(ALL)
        expect_refusal(fault, lambda: packing.place(request, site))
        expect_unchanged(packing)


@pytest.mark.parametrize("case", CHOICES)
def test_a_senseless_choice_of_nodes_is_refused_and_changes_nothing(engine: Engine, case: str) -> None:
    eligible, fault = CHOICES[case]
    with engine.open(make_fleet(NODES)) as packing:
        expect_refusal(fault, lambda: packing.select(eligible))
        expect_unchanged(packing)


@pytest.mark.parametrize("site", [-1, 1, BEYOND])
def test_a_site_that_was_never_selected_is_refused(engine: Engine, site: int) -> None:
    with engine.open(make_fleet(NODES)) as packing:
        packing.select(ALL)
        expect_refusal(Fault.BAD_VALUE, lambda: packing.place(GangRequest(POD, 1, 1), site))
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
    expect_refusal(Fault.BAD_HANDLE, lambda: packing.select(ALL))
    expect_refusal(Fault.BAD_HANDLE, lambda: packing.place(GangRequest(POD, 1, 1), 0))
    expect_refusal(Fault.BAD_HANDLE, lambda: packing.add(0, POD))


def test_two_packings_of_one_fleet_know_nothing_of_each_other(engine: Engine) -> None:
    same = make_fleet(NODES)
    with engine.open(same) as one, engine.open(same) as other:
        expect_unchanged(one)
        expect_unchanged(other)
    assert same == make_fleet(NODES)

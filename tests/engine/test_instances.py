"""Partitioned cards: where instances go, against every way of cutting a card."""

import math
from array import array
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.cardproblems import make_card_fleet, make_mig

from commonpool.engine.cardnative import CardEngine, load_cards
from commonpool.engine.cardreference import CardReference
from commonpool.engine.cards import MAX_SLICES, NOWHERE, SLICES_BIT, CardClass, CardFleet, CardPacking, CardPod
from commonpool.engine.market import TEMPERATURE
from commonpool.engine.partition import Partition, Placement
from commonpool.engine.protocol import Fault
from commonpool.errors import EngineError

Open = Callable[[CardFleet], CardPacking]
Rows = tuple[Placement, ...]

G1, G1_MEDIA, G1_WIDE, G2, G3, G4, G7 = range(1, 8)
MIG = Partition(tuple(sorted((profile, slices) for _, profile, slices in make_mig(0))))
FULL = MIG.full

slices = st.integers(1, 2**5 - 1)
partitions = st.sets(st.tuples(st.integers(1, 3), slices), min_size=1, max_size=6).map(lambda rows: Partition(tuple(sorted(rows))))


@pytest.fixture(params=["reference", "native"])
def opened(request: pytest.FixtureRequest) -> Open:
    if request.param == "reference":
        return CardReference
    found: CardEngine = load_cards(request.getfixturevalue("libpacking"))
    return found.open


def list_ways(rows: Rows, free: int) -> Iterator[Rows]:
    """Every set of placements that do not overlap."""
    if not rows:
        yield ()
        return
    yield from list_ways(rows[1:], free)
    if rows[0][1] & ~free == 0:
        yield from ((rows[0], *rest) for rest in list_ways(rows[1:], free & ~rows[0][1]))


def make_instance(profile: int) -> CardPod:
    return CardPod(1000, 1, 1, 0, 0, profile)


def expect(profile: int, count: int) -> CardClass:
    return CardClass(1000, 1, 0, 0, profile, count)


def make_mig_fleet(cards: int, mix: list[CardClass], rounds: int = 60) -> CardFleet:
    return make_card_fleet([(96_000, 100, 110, 0, (FULL,) * cards)], mix, rounds, make_mig(0))


def place(packing: CardPacking, *profiles: int) -> list[tuple[int, int]]:
    return packing.place(array("q", [number for profile in profiles for number in make_instance(profile)]))


@given(partitions, st.lists(st.integers(0, 4), min_size=4, max_size=4), st.integers(0, 31))
def test_the_sum_over_all_ways_of_cutting_meets_each_once(partition: Partition, drawn: list[int], state: int) -> None:
    state &= partition.full
    weights = {profile: float(weight) for profile, weight in enumerate(drawn)}
    total, held = 0.0, dict.fromkeys(weights, 0.0)
    for way in list_ways(partition.rows, state):
        weight = 1.0
        for profile, _ in way:
            weight *= weights[profile]
        total += weight
        for profile, _ in way:
            held[profile] += weight
    sums = partition.sum_ways(weights)
    assert sums[state] == total
    shared = partition.share({state: 2.0}, sums, weights)
    assert all(shared.get(profile, 0.0) == pytest.approx(2 * held[profile] / total) for profile in weights)


@given(partitions, st.permutations([1, 1, 2, 3]), st.integers(1, 3))
@settings(deadline=None, max_examples=60)
def test_an_instance_that_fits_somewhere_is_never_refused(partition: Partition, profiles: list[int], cards: int) -> None:
    fleet = make_card_fleet([(10, 9, 9, 5, (partition.full,) * cards)], [], 2, [(5, *row) for row in partition.rows])
    free = [partition.full] * cards
    packing = CardReference(fleet)
    for profile in profiles:
        [(node, held)] = packing.place(array("q", CardPod(1, 0, 1, 0, 0, profile)))
        room = any(taken & ~each == 0 for taken in partition.list_slices(profile) for each in free)
        assert (node != NOWHERE) == room
        if room:
            card, taken = (held & 0xFFFF).bit_length() - 1, held >> SLICES_BIT
            assert taken in partition.list_slices(profile)
            assert taken & ~free[card] == 0
            free[card] &= ~taken


@given(st.integers(0, FULL), st.sampled_from([G1, G1_MEDIA, G1_WIDE, G2, G3, G4, G7]))
@settings(deadline=None, max_examples=40)
def test_a_place_for_an_instance_costs_least_of_all_places(state: int, profile: int) -> None:
    """Worth, by every way of cutting, is what the engine goes by: here with all prices as they are before they are learned."""
    fleet = make_card_fleet([(96_000, 100, 110, 0, (state,))], [expect(G1, 3), expect(G3, 1)], 0, make_mig(0))
    parts = {known: MIG.compute_part(known) for known in (G1, G3)}
    [(node, held)] = CardReference(fleet).place(array("q", CardPod(0, 0, 1, 0, 0, profile)))
    places = [taken for taken in MIG.list_slices(profile) if taken & ~state == 0]
    assert (node == NOWHERE) == (not places)
    if places:
        worths = {taken: _weigh_all_ways(state & ~taken, parts) for taken in places}
        assert worths[held >> SLICES_BIT] == pytest.approx(max(worths.values()), rel=1e-4)


def _weigh_all_ways(free: int, parts: dict[int, float]) -> float:
    rows = tuple(row for row in MIG.rows if row[0] in parts)
    return sum(math.exp(sum(parts[profile] for profile, _ in way) / TEMPERATURE) for way in list_ways(rows, free))


def test_a_mig_card_can_be_cut_in_the_nineteen_ways_of_the_user_guide() -> None:
    rows = tuple(row for row in MIG.rows if row[0] not in {G1_MEDIA, G1_WIDE})
    found = set()
    for way in list_ways(rows, FULL):
        free = FULL & ~sum(taken for _, taken in way)
        if not any(taken & ~free == 0 for _, taken in rows):
            found.add(tuple(profile for profile, _ in sorted(way, key=lambda row: row[1] & -row[1])))
    assert len(found) == 19


@pytest.mark.parametrize("order", sorted(set(permutations((G1, G1, G3, G3)))))
def test_what_the_mix_expects_is_left_room_for_in_any_order(opened: Open, order: tuple[int, ...]) -> None:
    with opened(make_mig_fleet(2, [expect(G1, 4), expect(G3, 2), expect(G4, 1)])) as packing:
        assert all(node == 0 for node, _ in place(packing, *order, G1, G1, G4))


def test_both_engines_learn_the_same_prices_of_instances_in_many_rounds(libpacking: Path) -> None:
    mix = [expect(G1, 4), expect(G2, 3), expect(G3, 2), expect(G7, 1), CardClass(30_000, 1, 0, 0, G3, 1), CardClass(8000, 0, 0, 0, 0, 2)]
    nodes = [(96_000, 99, 110, 0, (FULL,) * 4), (40_000, 99, 110, 1, (FULL, 0x1F, 0xF0)), (64_000, 99, 110, 2, (1000, 1000))]
    fleet = make_card_fleet(nodes, mix, 40, [*make_mig(0), *make_mig(1)])
    pods = array("q", [number for known in (G1, G2, G3, G7, G1, G1, G2, G3, G4, G1) * 2 for number in make_instance(known)])
    with load_cards(libpacking).open(fleet) as packing:
        assert packing.place(pods) == CardReference(fleet).place(pods)


def test_one_instance_a_card_has_the_media_engines(opened: Open) -> None:
    with opened(make_mig_fleet(1, [])) as packing:
        assert [node for node, _ in place(packing, G1_MEDIA, G1_MEDIA, G7, G1)] == [0, NOWHERE, NOWHERE, 0]


def test_whole_cards_and_instances_have_nodes_of_their_own(opened: Open) -> None:
    nodes = [(96_000, 100, 110, 0, (FULL,) * 2), (96_000, 100, 110, 1, (1000,) * 2)]
    pods = [
        make_instance(G7),
        CardPod(1000, 1, 2, 1000),
        CardPod(1000, 1, 1, 500),
        make_instance(G7),
        make_instance(G1),
        CardPod(1, 1, 0, 0),
    ]
    with opened(make_card_fleet(nodes, [], 5, make_mig(0))) as packing:
        places = packing.place(array("q", [number for pod in pods for number in pod]))
    assert places[:5] == [(0, 1 | FULL << SLICES_BIT), (1, 3), (NOWHERE, 0), (0, 2 | FULL << SLICES_BIT), (NOWHERE, 0)]
    assert places[5][0] != NOWHERE


def test_what_an_instance_gives_back_can_be_taken_again(opened: Open) -> None:
    with opened(make_mig_fleet(1, [expect(G3, 1)])) as packing:
        for _ in range(3):
            [(_, first), (_, second), (nowhere, _)] = place(packing, G3, G3, G1)
            assert nowhere == NOWHERE
            packing.give(0, make_instance(G3), first)
            packing.give(0, make_instance(G3), second)


@pytest.mark.parametrize(
    "held", [0, 1, 0xF << SLICES_BIT, 1 | 0xF1 << SLICES_BIT, 2 | 0xF << SLICES_BIT, 1 | 0xF << 40, -1, 3 | 0xF << SLICES_BIT]
)
def test_slices_that_no_instance_has_are_not_given_back(opened: Open, held: int) -> None:
    with opened(make_mig_fleet(1, [])) as packing:
        place(packing, G4)
        with pytest.raises(EngineError) as refused:
            packing.give(0, make_instance(G4), held)
        assert refused.value.code == Fault.BAD_VALUE
        with pytest.raises(EngineError):
            packing.give(0, CardPod(1000, 1, 1, 1), 1)
        packing.give(0, make_instance(G4), 1 | 0xF << SLICES_BIT)


@pytest.mark.parametrize(
    "pod",
    [
        CardPod(1, 1, 1, 0, 0, 64),
        CardPod(1, 1, 1, 0, 0, -1),
        CardPod(1, 1, 2, 0, 0, 1),
        CardPod(1, 1, 1, 7, 0, 1),
        CardPod(1, 1, 0, 0, 0, 1),
    ],
)
def test_what_is_no_instance_is_refused(opened: Open, pod: CardPod) -> None:
    with opened(make_mig_fleet(1, [])) as packing, pytest.raises(EngineError) as refused:
        packing.place(array("q", pod))
    assert refused.value.code == Fault.BAD_VALUE


@pytest.mark.parametrize(
    ("placements", "free", "code"),
    [
        ([(0, 1)], 0, Fault.BAD_LENGTH),
        ([(0, 0, 1)], 0, Fault.BAD_VALUE),
        ([(0, 64, 1)], 0, Fault.BAD_VALUE),
        ([(0, 1, 0)], 0, Fault.BAD_VALUE),
        ([(0, 1, 1 << MAX_SLICES)], 0, Fault.BAD_VALUE),
        ([(63, 1, 1)], 0, Fault.BAD_VALUE),
        ([(-1, 1, 1)], 0, Fault.BAD_VALUE),
        ([(0, 1, 1), (0, 1, 1)], 0, Fault.BAD_VALUE),
        ([(0, 1, 5)], 2, Fault.BAD_VALUE),
        ([(0, 1, 5)], -1, Fault.BAD_VALUE),
        ([(0, 1, 5)], 8, Fault.BAD_VALUE),
    ],
)
def test_a_partition_that_cannot_be_is_refused(opened: Open, placements: list[tuple[int, int, int]], free: int, code: Fault) -> None:
    with pytest.raises(EngineError) as refused:
        opened(make_card_fleet([(1, 1, 1, 0, (free,))], [], 1, placements))
    assert refused.value.code == code

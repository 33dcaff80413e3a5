"""The score and the ties in cases small enough to work out by hand; both engines."""

from array import array

from tests.engine.problems import make_fleet

from commonpool.engine.protocol import ANYWHERE, Amounts, Engine, Fleet, GangAnswer, GangRequest

ONE_GPU: Amounts = (1000, 1000, 1, 1)
EIGHT_GPUS: Amounts = (8000, 8000, 8, 1)
WHOLE_NODES = (8000, 8000, 8, 1, 1)


def place(engine: Engine, fleet: Fleet, pod: Amounts, count: int = 1, *, at_least: int | None = None, level: int = ANYWHERE) -> GangAnswer:
    with engine.open(fleet) as packing:
        everywhere = packing.select(array("q", range(fleet.nodes)))
        return packing.place(GangRequest(pod, count if at_least is None else at_least, count, level), everywhere)


def test_a_small_pod_spares_the_node_that_a_large_one_needs(engine: Engine) -> None:
    fleet = make_fleet([(8000, 8000, 8, 10), (7000, 8000, 8, 10)], classes=[WHOLE_NODES])
    assert place(engine, fleet, ONE_GPU).nodes.tolist() == [1]


def test_with_no_mix_the_fullest_node_wins(engine: Engine) -> None:
    fleet = make_fleet([(8000, 64000, 64, 10), (3000, 64000, 64, 10), (5000, 64000, 64, 10)])
    assert place(engine, fleet, ONE_GPU).nodes.tolist() == [1]


def test_of_equally_full_nodes_the_one_with_less_processor_wins_then_the_lowest_index(engine: Engine) -> None:
    fleet = make_fleet([(8000, 64000, 64, 10), (8000, 32000, 64, 10), (8000, 32000, 64, 10)])
    assert place(engine, fleet, ONE_GPU).nodes.tolist() == [1]


def test_a_node_short_of_processors_for_its_cards_takes_the_pod_that_needs_few(engine: Engine) -> None:
    # Node 0 can feed four of its eight cards to pods of the mix, node 1 all eight: what goes to node 0 costs the mix nothing.
    fleet = make_fleet([(8000, 4000, 64, 10), (8000, 8000, 64, 10)], classes=[(1000, 1000, 1, 1, 1)])
    assert place(engine, fleet, (2000, 0, 1, 1)).nodes.tolist() == [0]


def test_shares_of_a_card_fill_up_the_broken_node_first(engine: Engine) -> None:
    fleet = make_fleet([(8000, 64000, 64, 110), (7500, 64000, 64, 110)], classes=[(1000, 1000, 1, 1, 1), (250, 1000, 1, 1, 1)])
    assert place(engine, fleet, (250, 1000, 1, 1), 2).nodes.tolist() == [1, 1]


def test_a_gang_goes_to_the_fullest_domain_that_takes_it_whole(engine: Engine) -> None:
    empty, half = (8000, 64000, 64, 10), (4000, 64000, 64, 10)
    fleet = make_fleet([empty, empty, half, empty, half, half], [0, 0, 1, 1, 2, 2])
    assert place(engine, fleet, (4000, 1000, 1, 1), 3, level=0).nodes.tolist() == [2, 3, 3]


def test_a_gang_that_no_domain_takes_is_told_how_much_would_fit(engine: Engine) -> None:
    fleet = make_fleet([(8000, 64000, 64, 10)] * 4, [0, 0, 0, 1])
    answer = place(engine, fleet, EIGHT_GPUS, 4, level=0)
    assert (answer.nodes.tolist(), answer.fit_count) == ([], 3)


def test_an_elastic_gang_takes_what_there_is(engine: Engine) -> None:
    fleet = make_fleet([(8000, 64000, 64, 10)] * 4, [0, 0, 0, 1])
    answer = place(engine, fleet, EIGHT_GPUS, 4, at_least=2, level=0)
    assert (answer.nodes.tolist(), answer.fit_count) == ([0, 1, 2], 3)


def test_nodes_outside_of_every_domain_take_part_only_anywhere(engine: Engine) -> None:
    fleet = make_fleet([(8000, 64000, 64, 10)] * 2, [-1, -1])
    assert place(engine, fleet, EIGHT_GPUS, level=0) == GangAnswer(array("q"), 0)
    assert place(engine, fleet, EIGHT_GPUS).nodes.tolist() == [0]


def test_an_overdrawn_node_holds_nothing_until_it_is_given_back(engine: Engine) -> None:
    with engine.open(make_fleet([(-1000, 8000, 8, 1)])) as packing:
        request, site = GangRequest(EIGHT_GPUS, 1, 1), packing.select(array("q", [0]))
        assert packing.place(request, site).fit_count == 0
        packing.add(0, (9000, 0, 0, 0))
        assert packing.place(request, site).nodes.tolist() == [0]


def test_an_empty_fleet_or_no_eligible_node_fits_nothing(engine: Engine) -> None:
    assert place(engine, make_fleet([]), ONE_GPU) == GangAnswer(array("q"), 0)
    with engine.open(make_fleet([(8000, 8000, 8, 8)])) as packing:
        assert packing.place(GangRequest(ONE_GPU, 1, 1), packing.select(array("q"))) == GangAnswer(array("q"), 0)


def test_an_answer_is_the_caller_s_own(engine: Engine) -> None:
    with engine.open(make_fleet([(8000, 8000, 8, 8)] * 2)) as packing:
        first = packing.place(GangRequest(EIGHT_GPUS, 1, 1), packing.select(array("q", [0, 1])))
        second = packing.place(GangRequest(EIGHT_GPUS, 1, 1), packing.select(array("q", [0, 1])))
    assert (first.nodes.tolist(), second.nodes.tolist()) == ([0], [1])

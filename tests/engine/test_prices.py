"""What is free is worth something to the work to come: laws, and two nodes between which a person would choose alike."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from commonpool.engine.prices import Class, learn_prices
from commonpool.engine.protocol import Amounts

laws = settings(max_examples=60, deadline=None)
shapes = st.tuples(st.sampled_from([500, 1000, 2000, 8000]), st.integers(0, 40_000), st.integers(0, 1 << 38), st.integers(0, 1))
mixes = st.lists(st.tuples(shapes, st.integers(0, 100)), max_size=5)
rooms = st.tuples(st.sampled_from([0, 1000, 4000, 8000]), st.integers(-1, 128_000), st.integers(0, 1 << 40), st.integers(0, 110))
fleets = st.lists(rooms, max_size=6)


@given(capacity=fleets, mix=mixes, free=rooms, more=rooms)
@laws
def test_more_is_never_worth_less(capacity: list[Amounts], mix: list[Class], free: Amounts, more: Amounts) -> None:
    prices = learn_prices(capacity, mix)
    larger = (max(free[0], more[0]), max(free[1], more[1]), max(free[2], more[2]), max(free[3], more[3]))
    assert prices.compute_worth(larger) >= prices.compute_worth(free)


@given(capacity=fleets, mix=mixes, order=st.randoms(use_true_random=False))
@laws
def test_the_order_of_nodes_and_classes_does_not_matter(capacity: list[Amounts], mix: list[Class], order: Random) -> None:
    expected = learn_prices(capacity, mix)
    order.shuffle(capacity)
    order.shuffle(mix)
    assert learn_prices(capacity, mix) == expected


def test_a_pod_that_needs_few_processors_goes_where_there_are_few_and_one_that_needs_many_where_there_are_many() -> None:
    roomy, lean = (8000, 128_000, 64, 10), (8000, 48_000, 64, 10)
    small, large = (1000, 4000, 1, 1), (1000, 16_000, 1, 1)
    prices = learn_prices([roomy, lean], [(small, 5), (large, 5)])

    def cost(free: Amounts, pod: Amounts) -> int:
        return prices.compute_worth(free) - prices.compute_worth((free[0] - pod[0], free[1] - pod[1], free[2] - pod[2], free[3] - pod[3]))

    assert cost(lean, small) < cost(roomy, small)
    assert cost(roomy, large) < cost(lean, large)


def test_what_cannot_run_short_has_no_price_and_without_a_mix_nothing_is_worth_anything() -> None:
    node = (8000, 64_000, 64, 10)
    assert learn_prices([node], [((1000, 8000, 1, 1), 2), ((2000, 0, 0, 1), 1)]).tariffs == ()
    assert learn_prices([node], []).compute_worth(node) == 0

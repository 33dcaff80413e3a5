"""Which of several pools is liked best: the rule, and what must hold of it whatever the pools are."""

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from tests.builders import GIB, make_pool

from commonpool.model.ids import PoolName
from commonpool.model.pools import Choice, PoolOrder
from commonpool.model.snapshot import Pool, Prefer, Wish

A100 = make_pool("a100", speed_gflops={"bf16": 312_000, "fp64": 19_500}, price_micro_per_hour=1_100_000)
H100 = make_pool("h100", speed_gflops={"bf16": 989_000, "fp8": 1_979_000, "fp64": 67_000}, price_micro_per_hour=2_400_000)
L4 = make_pool("l4", memory_gib=24, speed_gflops={"bf16": 121_000, "fp8": 242_000}, price_micro_per_hour=300_000)
POOLS = (A100, H100, L4)
ALL_THREE = tuple(Wish(PoolName(name)) for name in ("h100", "a100", "l4"))


def rank(wishes: tuple[Wish, ...], prefer: Prefer, pools: tuple[Pool, ...] = POOLS) -> list[str]:
    return [choice.pool.name for choice in PoolOrder(pools).rank(wishes, prefer)]


def named(name: str, weight: int = 100, precision: str | None = None) -> Wish:
    return Wish(PoolName(name), weight=weight, precision=precision)


def test_a_list_is_kept_and_of_one_entry_the_cheapest_is_first() -> None:
    assert rank(ALL_THREE, Prefer.LIST_ORDER) == ["h100", "a100", "l4"]
    assert rank((Wish(memory_bytes=80 * GIB), Wish()), Prefer.LIST_ORDER) == ["a100", "h100", "l4"]
    assert rank((Wish(resource_name="nvidia.com/gpu"),), Prefer.LIST_ORDER) == ["l4", "a100", "h100"]


def test_weights_come_before_the_list() -> None:
    assert rank((named("h100"), named("a100", 150), named("l4", 150)), Prefer.LIST_ORDER) == ["a100", "l4", "h100"]


def test_the_fastest_is_so_in_the_precision_that_is_named_else_in_half() -> None:
    assert rank(ALL_THREE, Prefer.FASTEST) == ["h100", "a100", "l4"]
    assert rank((Wish(precision="fp8"),), Prefer.FASTEST) == ["h100", "l4"]
    assert rank((named("l4", precision="fp8"), named("a100")), Prefer.FASTEST) == ["a100", "l4"]
    assert rank((named("l4", 150, "fp8"), named("a100")), Prefer.FASTEST) == ["l4", "a100"]


def test_a_pool_whose_speed_nobody_said_is_the_last_by_speed_and_none_in_a_precision_by_name() -> None:
    old = make_pool("old", speed_gflops={})
    assert rank((named("old"), named("l4")), Prefer.FASTEST, (old, L4)) == ["l4", "old"]
    assert rank((named("old"), named("l4")), Prefer.BEST_VALUE, (old, L4)) == ["l4", "old"]
    assert rank((named("old", precision="fp8"), named("l4")), Prefer.LIST_ORDER, (old, L4)) == ["l4"]


def test_the_cheapest_and_the_best_value_differ() -> None:
    assert rank(ALL_THREE, Prefer.CHEAPEST) == ["l4", "a100", "h100"]
    assert rank(ALL_THREE, Prefer.BEST_VALUE) == ["h100", "l4", "a100"]
    assert rank((named("h100"), named("a100", 150), named("l4")), Prefer.BEST_VALUE) == ["a100", "h100", "l4"]
    assert rank((named("h100", 400), named("a100"), named("l4", 20)), Prefer.CHEAPEST) == ["h100", "a100", "l4"]


def test_what_costs_nothing_is_cheaper_than_anything() -> None:
    free = make_pool("own", speed_gflops={"bf16": 1000}, price_micro_per_hour=0)
    for prefer in (Prefer.CHEAPEST, Prefer.BEST_VALUE):
        assert rank((named("h100", 10_000), named("own", 1)), prefer, (H100, free))[0] == "own"


def test_prices_in_two_currencies_do_not_count() -> None:
    yen = replace(L4, price_micro_per_hour=50_000_000, currency="JPY")
    assert rank((named("h100"), named("l4")), Prefer.CHEAPEST, (H100, yen)) == ["h100", "l4"]
    assert rank((named("l4"), named("h100")), Prefer.BEST_VALUE, (H100, yen)) == ["h100", "l4"]


def test_a_pool_that_several_entries_mean_stands_where_the_best_of_them_puts_it() -> None:
    assert rank((Wish(), named("h100", 300)), Prefer.LIST_ORDER) == ["h100", "l4", "a100"]


prices = st.integers(0, 5_000_000)
speeds = st.dictionaries(st.sampled_from(("bf16", "fp16", "fp8")), st.integers(1, 4_000_000), max_size=3)
fleets = st.lists(st.tuples(speeds, prices, st.sampled_from(("EUR", "JPY"))), min_size=1, max_size=5).map(
    lambda parts: tuple(
        make_pool(f"p{number}", speed_gflops=speed, price_micro_per_hour=price, currency=currency)
        for number, (speed, price, currency) in enumerate(parts)
    )
)
any_wish = st.builds(
    Wish,
    pool=st.none() | st.sampled_from([PoolName(f"p{number}") for number in range(5)]),
    precision=st.sampled_from((None, None, "bf16", "fp8")),
    weight=st.integers(1, 10_000),
)
lists = st.lists(any_wish, min_size=1, max_size=4).map(tuple)


@given(fleets, lists, st.sampled_from(Prefer))
def test_no_preference_adds_or_loses_a_pool(pools: tuple[Pool, ...], wishes: tuple[Wish, ...], prefer: Prefer) -> None:
    assert sorted(rank(wishes, prefer, pools)) == sorted(rank(wishes, Prefer.LIST_ORDER, pools))


@given(fleets, lists, st.sampled_from(Prefer), st.randoms(use_true_random=False))
def test_the_order_in_which_pools_are_read_changes_nothing(
    pools: tuple[Pool, ...], wishes: tuple[Wish, ...], prefer: Prefer, dice: Random
) -> None:
    shuffled = list(pools)
    dice.shuffle(shuffled)
    assert rank(wishes, prefer, tuple(shuffled)) == rank(wishes, prefer, pools)


@given(fleets, lists, st.sampled_from((Prefer.CHEAPEST, Prefer.BEST_VALUE)), st.integers(0, 4), st.integers(1, 5_000_000))
def test_a_pool_that_becomes_dearer_is_never_liked_more(
    pools: tuple[Pool, ...], wishes: tuple[Wish, ...], prefer: Prefer, number: int, more: int
) -> None:
    number %= len(pools)
    dearer = replace(pools[number], price_micro_per_hour=pools[number].price_micro_per_hour + more)
    assert not moves_up(PoolOrder(pools).rank(wishes, prefer), PoolOrder(put(pools, number, dearer)).rank(wishes, prefer), dearer)


@given(fleets, lists, st.sampled_from((Prefer.FASTEST, Prefer.BEST_VALUE)), st.integers(0, 4), st.integers(1, 4_000_000))
def test_a_pool_that_becomes_faster_is_never_liked_less(
    pools: tuple[Pool, ...], wishes: tuple[Wish, ...], prefer: Prefer, number: int, more: int
) -> None:
    number %= len(pools)
    known = dict(pools[number].speed_gflops)
    faster = replace(pools[number], speed_gflops=tuple((name, speed + more) for name, speed in known.items()))
    before, after = PoolOrder(pools).rank(wishes, prefer), PoolOrder(put(pools, number, faster)).rank(wishes, prefer)
    assert not moves_up(after, before, faster)


@given(fleets, lists, st.sampled_from(Prefer), st.integers(2, 50))
def test_weights_count_by_their_proportion_only(pools: tuple[Pool, ...], wishes: tuple[Wish, ...], prefer: Prefer, times: int) -> None:
    heavier = tuple(replace(wish, weight=wish.weight * times) for wish in wishes)
    assert rank(heavier, prefer, pools) == rank(wishes, prefer, pools)


@given(fleets, st.sampled_from(Prefer), st.integers(0, 4), st.integers(1, 1000))
def test_a_pool_that_weighs_more_is_never_liked_less(pools: tuple[Pool, ...], prefer: Prefer, number: int, more: int) -> None:
    number %= len(pools)
    even = tuple(Wish(pool.name) for pool in pools)
    heavier = (*even[:number], replace(even[number], weight=100 + more), *even[number + 1 :])
    before, after = PoolOrder(pools).rank(even, prefer), PoolOrder(pools).rank(heavier, prefer)
    assert not moves_up(after, before, pools[number])


def put(pools: tuple[Pool, ...], number: int, pool: Pool) -> tuple[Pool, ...]:
    return (*pools[:number], pool, *pools[number + 1 :])


def moves_up(before: tuple[Choice, ...], after: tuple[Choice, ...], pool: Pool) -> bool:
    """Whether the pool stands before one behind which it stood."""
    names = [[choice.pool.name for choice in order] for order in (before, after)]
    if any(pool.name not in order for order in names):
        return names[0] != names[1]
    ahead, still = (set(order[: order.index(pool.name)]) for order in names)
    return not ahead <= still

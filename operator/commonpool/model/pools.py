"""Which pools a wish means, best first: one rule for what is planned and for what is told of it."""

from collections.abc import Iterable, Sequence

from commonpool.model.snapshot import Pool, Wish


def order_by_price(pools: Iterable[Pool]) -> list[Pool]:
    """The cheapest first, then by name."""
    return sorted(pools, key=lambda pool: (pool.price_micro_per_hour, pool.name))


def choose_pools(wish: Wish, by_price: Sequence[Pool]) -> list[Pool]:
    """The pools that can do what is wished; who names a resource said nothing of a price, and gets them by name."""
    able = [pool for pool in by_price if wish.pool in {None, pool.name} and _can_do(pool, wish)]
    return sorted(able, key=lambda pool: pool.name) if wish.resource_name is not None else able


def _can_do(pool: Pool, wish: Wish) -> bool:
    return (
        wish.resource_name in {None, pool.resource_name}
        and pool.memory_bytes >= wish.memory_bytes
        and (wish.precision is None or dict(pool.speed_gflops).get(wish.precision, 0) > 0)
    )

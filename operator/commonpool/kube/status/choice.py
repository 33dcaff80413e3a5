"""Why work that could run in several pools runs in the one where it is: by what they were ranked, and why those before it did not take it.

Said once, when it gets its places, and kept as long as it has them: prices and pools may change while it runs.
"""

from collections.abc import Sequence
from dataclasses import replace

from commonpool.api.money import render_micro
from commonpool.kube.read.choices import read_choices
from commonpool.kube.read.runs import Run
from commonpool.model.ids import PoolName
from commonpool.model.plan import Passed
from commonpool.model.pools import Choice, PoolOrder, list_currencies
from commonpool.model.snapshot import EVEN_WEIGHT, Prefer, Snapshot, Workload
from commonpool.planner.candidates import Chooser
from commonpool.planner.quota import Quota
from commonpool.planner.tree import TenantTree

MOST_NAMED = 4
"""Pools that a sentence names, the best ones."""
GFLOPS_PER_TFLOPS = 1000
BY_SPEED = frozenset({Prefer.FASTEST, Prefer.BEST_VALUE})
BY_PRICE = frozenset({Prefer.CHEAPEST, Prefer.BEST_VALUE})


class Choices:
    """The choices of one round; asks the planner's own rule."""

    def __init__(self, snapshot: Snapshot) -> None:
        tree = TenantTree(snapshot.tenants)
        self._chooser = Chooser(snapshot, tree, Quota(tree, snapshot.quotas))
        self._order = PoolOrder(snapshot.pools)

    def describe(self, run: Run, planned: Workload, passed: Sequence[Passed]) -> str:
        """One sentence for its tenant; empty if it had no choice. `passed`: what the round that placed it knew of the pools before."""
        workload = run.own.parsed if run.own is not None else None
        wishes = read_choices(workload) if workload is not None and run.native else planned.wishes
        able = set(self._chooser.choose(replace(planned, holdings=(), wishes=wishes, blocked=None)).pools)
        choices = [choice for choice in self._order.rank(wishes, planned.prefer) if choice.pool.name in able]
        names = [choice.pool.name for choice in choices]
        pool = planned.holdings[0].pool if planned.holdings else PoolName("")
        if len(names) < 2 or pool not in names:
            return ""
        at = names.index(pool)
        sentence = f"choice {at + 1} of {len(names)} by `{planned.prefer}`: {_render_all(choices, planned.prefer)}"
        return f"{sentence}; {_render_passed(names[:at], passed)}" if at else sentence


def _render_all(choices: Sequence[Choice], prefer: Prefer) -> str:
    wishes = [choice.wish for choice in choices]
    told = [_render(choice, prefer, shares=wishes.count(choice.wish) > 1) for choice in choices[:MOST_NAMED]]
    more = f" and {len(choices) - MOST_NAMED} more" if len(choices) > MOST_NAMED else ""
    currencies = list_currencies(choice.pool for choice in choices)
    apart = f" (prices in {' and '.join(currencies)} are not compared)" if prefer in BY_PRICE and len(currencies) > 1 else ""
    return ", ".join(told) + more + apart


def _render(choice: Choice, prefer: Prefer, *, shares: bool) -> str:
    """A pool with what counted of it. `shares`: others are meant by the same entry of the list, where the price decides."""
    pool, facts = choice.pool, []
    if prefer in BY_SPEED:
        facts.append(_render_speed(choice))
    if prefer in BY_PRICE or shares:
        price = f"{render_micro(pool.price_micro_per_hour)} {pool.currency} an hour" if pool.price_micro_per_hour else "no price"
        facts.append(price)
    if choice.weight != EVEN_WEIGHT:
        facts.append(f"weight {choice.weight}")
    return f"`{pool.name}` ({', '.join(facts)})" if facts else f"`{pool.name}`"


def _render_speed(choice: Choice) -> str:
    if not choice.speed_gflops:
        return "no speed known"
    whole, rest = divmod(choice.speed_gflops, GFLOPS_PER_TFLOPS)
    tflops = f"{whole}.{rest:03}".rstrip("0") if rest else str(whole)
    return f"{tflops} TFLOP/s in {choice.precision}"


def _render_passed(before: Sequence[PoolName], passed: Sequence[Passed]) -> str:
    known = {each.pool: f" ({each.reason})" for each in passed}
    named = ", ".join(f"`{pool}`{known.get(pool, '')}" for pool in before[:MOST_NAMED])
    return f"{named} did not take it then"

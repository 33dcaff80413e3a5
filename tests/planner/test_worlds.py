"""A law says nothing where nothing happens: the worlds must show what the laws speak of."""

import random
from collections import Counter

from tests.planner.worlds import Size, build, make_world

from commonpool.engine.reference import ReferenceEngine
from commonpool.model.reasons import QUEUED_REASONS, Reason
from commonpool.planner import plan_round

WORLDS = 3000


def count_what_happens() -> Counter[str]:
    dice, seen = random.Random(1), Counter[str]()  # noqa: S311 nothing is hidden by it
    for seed in range(WORLDS):
        pools, nodes = dice.choice((1, 2, 3, 3, 3, 3)), dice.randint(0, 14)
        size = Size(seed, pools, nodes, dice.choice((1, 3, 4, 4)), dice.randint(0, 6), dice.randint(0, 10))
        plan = plan_round(build(make_world(size)), ReferenceEngine())
        seen.update(str(place.why) for place in plan.place)
        seen.update(str(hold.reason) for hold in plan.hold)
        seen["Gang"] += sum(len(place.entries) > 1 for place in plan.place)
        seen["Scale"] += len(plan.scale)
        seen["Patient"] += sum("as `waitSeconds` says" in hold.message for hold in plan.hold)
        seen["Passed"] += sum(bool(place.passed) for place in plan.place)
        seen["Fewer"] += sum("would start now" in hold.nearest_change for hold in plan.hold)
    return seen


def test_the_worlds_show_every_ground_every_wait_and_every_action() -> None:
    seen = count_what_happens()
    grounds = (Reason.WITHIN_GUARANTEE, Reason.BORROWED, Reason.SHARED)
    waits = [reason for reason in QUEUED_REASONS if reason is not Reason.WAITS_FOR_MIN_RUNTIME]  # of that, histories show enough
    words = (*grounds, *waits, Reason.GREW, "Gang", "Fewer", "Patient", "Passed", "Scale")
    rare = {word: seen[word] for word in words if seen[word] < 5}
    assert not rare, seen
    assert sum(seen[ground] for ground in grounds) > WORLDS // 4, seen

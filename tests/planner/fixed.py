"""The plans of many worlds as one text, for runs in other processes."""

from tests.planner.worlds import Size, build, make_world

from commonpool.engine.reference import ReferenceEngine
from commonpool.model.codec import render_json
from commonpool.planner import plan_round


def plan_many() -> str:
    worlds = [make_world(Size(seed, pools=3, nodes=8, tenants=4, quotas=5, workloads=9)) for seed in range(60)]
    return "".join(render_json(plan_round(build(world), ReferenceEngine())) for world in worlds)

"""The planner: from a snapshot to a plan, and nothing else.

It may not know Kubernetes, look at a clock, draw lots, log, wait or remember: every
fact is in the snapshot, every decision in the plan. Integers only; every order ends
in a unique name, so equal snapshots make equal plans.
"""

from commonpool.planner.round import plan_round

__all__ = ["plan_round"]

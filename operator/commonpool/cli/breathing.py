"""The demo's second half: work grows into what is idle and gives it back, and nodes come and go."""

from collections.abc import Callable
from typing import Any

from commonpool.cli.stage import ALICE, BOB, Act, Stage, state_of

BREATHING = ("short-batch", "elastic-training", "claim", "nodes-on-demand")
"""Examples that this half begins anew each time."""

_LEND = (
    Act("Alice borrows 6 nodes of A100 for a short batch.", ("short-batch",), ALICE),
    Act("Bob's training is elastic: 2 to 15 nodes. It takes what is idle, and grows when the batch has ended.", ("elastic-training",), BOB),
)
_CLAIM = Act(
    "Alice claims what she is guaranteed: Bob's training is told, saves its work within its grace, and shrinks.", ("claim",), ALICE
)
_ASK = Act("Alice's gang needs 3 nodes of L40S, and the pool has one: it asks for two more.", ("nodes-on-demand",), ALICE)
_LEAVE = Act("The gang is done, and nodes that nothing needs go back.", ("nodes-on-demand",), ALICE, verb="delete")


def breathe(stage: Stage) -> None:
    """Play it; about a minute."""
    for act in _LEND:
        stage.play(act)
    stage.watch("It grows into the idle pool:", _stands("adaptive", "15/15"), only="a100")
    stage.play(_CLAIM)
    stage.watch("It shrinks, and the claim starts:", _both(_stands("claim", "3/3"), _stands("adaptive", "12/12")), only="a100")
    stage.play(_ASK)
    stage.watch("Nodes come:", _stands("render", "3/3"), only="l40s")
    stage.play(_LEAVE)
    stage.watch("And go:", lambda _: _count_nodes(stage) == 1, only="l40s")


def _stands(name: str, replicas: str) -> Callable[[list[dict[str, Any]]], bool]:
    """Whether the workload runs with so many replicas."""

    def check(workloads: list[dict[str, Any]]) -> bool:
        found = next((each for each in workloads if each["metadata"]["name"] == name), {})
        counts = (found.get("status") or {}).get("replicas") or {}
        return bool(found) and state_of(found) == "Running" and counts.get("summary") == replicas

    return check


def _both(*checks: Callable[[list[dict[str, Any]]], bool]) -> Callable[[list[dict[str, Any]]], bool]:
    return lambda workloads: all(check(workloads) for check in checks)


def _count_nodes(stage: Stage) -> int:
    pools = {pool["metadata"]["name"]: pool.get("status") or {} for pool in stage.kubectl.items("gpupools")}
    return int(pools.get("l40s", {}).get("nodes", 0))

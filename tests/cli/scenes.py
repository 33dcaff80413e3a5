"""Pools for the command line to show."""

from tests.builders import BLOCK, START_AT, Held, make_node, make_pool, make_quota, make_tenant, make_workload

from commonpool.cli.report import Told, View
from commonpool.model.amounts import Amounts
from commonpool.model.ids import WorkloadName
from commonpool.model.snapshot import Snapshot, build_snapshot


def make_small() -> Snapshot:
    """Two blocks of H100 with all that a card can be, one node of A100 with a shared card, and a pool without nodes."""
    nodes = [make_node(f"h100-{index}", block=f"b{index // 2}", rack=f"b{index // 2}r{index % 2}", gpus=4) for index in range(3)]
    nodes.append(make_node("h100-3", block="b1", rack="b1r1", gpus=4, schedulable=False))
    nodes[2] = make_node("h100-2", block="b1", rack="b1r0", gpus=4, foreign=Amounts(1000))
    nodes.append(make_node("a100-0", pool="a100", gpus=2))
    pretrain = make_workload("pretrain", gpus=4, replicas=2, held=(Held("h100-0"), Held("h100-1", bound=False)))
    chat = make_workload("chat", tenant="nlp", gpus=2, held=(Held("h100-3"),))
    waits = make_workload("waits", tenant="nlp", gpus=4, replicas=3, required=BLOCK)
    return build_snapshot(
        now_at=START_AT,
        epoch=0,
        number=1,
        pools=[make_pool(), make_pool("a100"), make_pool("l40s")],
        nodes=nodes,
        tenants=[make_tenant(), make_tenant("nlp")],
        quotas=[make_quota(guaranteed=4, limit=8)],
        workloads=[pretrain, chat, waits],
    )


def make_view(snapshot: Snapshot | None = None) -> View:
    facts = snapshot or make_small()
    names = {workload.name.rpartition("/")[2]: workload.name for workload in facts.workloads}
    told = {}
    if "waits" in names:
        told = {names["waits"]: Told("HPC", "QuotaReached", "QuotaReached"), names["pretrain"]: Told("Training", "Starting", "")}
    return View(facts, {WorkloadName(name): each for name, each in told.items()})


def make_large(nodes: int, tenants: int) -> Snapshot:
    """A pool in which each node but every fifth is held by some tenant."""
    made = [make_node(f"n{index:05}", block=f"b{index * 4 // nodes}", rack=f"r{index // 16}") for index in range(nodes)]
    work = [
        make_workload(f"w{index}", tenant=f"t{index % tenants:02}", held=(Held(f"n{index:05}"),)) for index in range(nodes) if index % 5
    ]
    named = [make_tenant(f"t{index:02}") for index in range(tenants)]
    return build_snapshot(now_at=START_AT, epoch=0, number=1, pools=[make_pool()], nodes=made, tenants=named, workloads=work)

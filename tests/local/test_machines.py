from typing import Any

from commonpool.local.fleet import NodeGroup
from commonpool.local.machines import Machines, Turn
from commonpool.local.nodegroups import build_group, build_kind

GROUP = NodeGroup.model_validate(
    {"name": "spot", "nodes": 0, "max": 4, "bootSeconds": 10, "resources": {"cpu": 8, "memory": "1Gi", "pods": 10}}
)


def node(number: int, *, closed: bool = False) -> dict[str, Any]:
    return {"metadata": {"name": f"spot-{number:03}"}, "spec": {"unschedulable": True} if closed else {}}


def test_a_machine_is_a_node_when_it_has_booted() -> None:
    machines = Machines()
    assert machines.turn(GROUP, 2, [], (), 100) == Turn()
    assert machines.turn(GROUP, 3, [], (), 105) == Turn()
    assert machines.turn(GROUP, 3, [], (), 110) == Turn(boot=(0, 1))
    assert machines.turn(GROUP, 3, [node(1), node(2)], (), 115) == Turn(boot=(2,))


def test_machines_that_nobody_wants_any_more_never_boot() -> None:
    machines = Machines()
    machines.turn(GROUP, 3, [], (), 100)
    machines.turn(GROUP, 1, [], (), 105)
    assert machines.turn(GROUP, 1, [], (), 110) == Turn(boot=(0,))


def test_a_new_machine_takes_a_number_that_is_free() -> None:
    machines = Machines()
    machines.turn(GROUP, 3, [node(1), node(3)], (), 100)
    assert machines.turn(GROUP, 3, [node(1), node(3)], (), 110) == Turn(boot=(1,))


def test_cordoned_machines_go_first_then_the_newest_empty_ones_and_never_one_that_works() -> None:
    nodes = [node(1, closed=True), node(2), node(3), node(4)]
    assert Machines().turn(GROUP, 2, nodes, {"spot-004"}, 0).stop == ("spot-001", "spot-003")
    assert Machines().turn(GROUP, 0, nodes, {"spot-001", "spot-004"}, 0).stop == ("spot-003", "spot-002")


def test_a_group_can_be_scaled_within_its_bounds() -> None:
    version = build_kind()["spec"]["versions"][0]
    assert version["subresources"]["scale"] == {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    manifest = build_group(GROUP)
    assert manifest["spec"]["replicas"] == 0
    assert NodeGroup.model_validate(manifest["spec"]["group"]) == GROUP

from pathlib import Path

import pytest

from commonpool.errors import UserError
from commonpool.local.fleet import BLOCK_LABEL, RACK_LABEL, build_nodes, parse_fleet, read_fleet

FLEETS = Path(__file__).parents[2] / "local" / "fleets"
PLAIN = {"cpu": 8, "memory": "32Gi", "pods": 110}


def test_the_demo_fleet_is_three_kinds_of_accelerators_and_plain_nodes() -> None:
    nodes = list(build_nodes(read_fleet(FLEETS / "demo.yaml")))
    counts: dict[tuple[str, str], int] = {}
    for node in nodes:
        pool = node["spec"]["taints"][0]["value"] if node["spec"]["taints"] else ""
        for resource, amount in node["status"]["capacity"].items():
            if "/" in resource:
                counts[pool, resource] = counts.get((pool, resource), 0) + int(amount)
    assert counts == {
        ("h100", "nvidia.com/gpu"): 128,
        ("a100", "nvidia.com/gpu"): 128,
        ("ascend910b", "huawei.com/Ascend910"): 64,
        ("l40s", "nvidia.com/gpu"): 4,
    }
    assert sum(not node["spec"]["taints"] for node in nodes) == 4
    assert len({node["metadata"]["name"] for node in nodes}) == len(nodes) == 45


@pytest.mark.parametrize("file", sorted(FLEETS.glob("*.yaml")), ids=lambda path: path.name)
def test_every_fleet_file_that_comes_with_it_is_right(file: Path) -> None:
    assert read_fleet(file).groups


def test_nodes_are_numbered_within_racks_within_blocks() -> None:
    group = {"name": "a", "nodes": 5, "nodesPerRack": 2, "racksPerBlock": 2, "resources": PLAIN}
    nodes = build_nodes(parse_fleet({"groups": [group]}, "x"))
    places = [(node["metadata"]["name"], *(node["metadata"]["labels"][label] for label in (BLOCK_LABEL, RACK_LABEL))) for node in nodes]
    assert places == [
        ("a-001", "a-b1", "a-b1-r1"),
        ("a-002", "a-b1", "a-b1-r1"),
        ("a-003", "a-b1", "a-b1-r2"),
        ("a-004", "a-b1", "a-b1-r2"),
        ("a-005", "a-b2", "a-b2-r1"),
    ]


def test_an_accelerator_node_is_tainted_for_its_pool_and_a_plain_one_is_not() -> None:
    groups = [{"name": "gpu", "pool": "h100", "nodes": 1, "resources": PLAIN}, {"name": "cpu", "nodes": 1, "resources": PLAIN}]
    gpu, cpu = build_nodes(parse_fleet({"groups": groups}, "x"))
    assert gpu["spec"]["taints"] == [{"key": "commonpool.dev/pool", "value": "h100", "effect": "NoSchedule"}]
    assert cpu["spec"]["taints"] == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "groups: Field required"),
        ({"groups": []}, "groups: Tuple should have at least 1 item"),
        ({"groups": [{"name": "A", "nodes": 1, "resources": PLAIN}]}, "groups[0].name: String should match"),
        ({"groups": [{"name": "a", "nodes": 0, "resources": PLAIN}]}, "groups[0]: `nodes` is 0: say at least 1"),
        ({"groups": [{"name": "a", "nodes": 1, "resources": {"cpu": 1}}]}, "groups[0]: `resources` says no `memory`"),
        ({"groups": [{"name": "a", "nodes": 1, "resources": PLAIN, "gpus": 8}]}, "groups[0].gpus: Extra inputs are not permitted"),
        ({"groups": [{"name": "a", "nodes": 1, "resources": {**PLAIN, "nvidia.com/gpu": "eight"}}]}, "resources.nvidia.com/gpu"),
        ({"groups": [{"name": "a", "nodes": 1, "resources": PLAIN}] * 2}, "`groups` has `a` twice"),
        (
            {"groups": [{"name": "a", "nodes": 1, "resources": PLAIN}], "users": [{"name": "admin"}]},
            "`admin` is a name of",
        ),
        ({"groups": [{"name": "a", "nodes": 1, "resources": PLAIN}], "users": [{"name": 'x",y', "groups": []}]}, "users[0].name"),
        (None, "the file: Input should be"),
    ],
)
def test_a_wrong_fleet_file_is_refused_with_the_place_and_a_way_out(content: object, words: str) -> None:
    with pytest.raises(UserError) as refusal:
        parse_fleet(content, "my.yaml")
    assert words in refusal.value.message
    assert "`my.yaml`" in refusal.value.message
    assert "local/fleets/small.yaml" in refusal.value.hint


def test_a_fleet_file_that_is_not_there_or_not_yaml_is_a_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_fleet(tmp_path / "none.yaml")
    (tmp_path / "broken.yaml").write_text("groups: [")
    with pytest.raises(UserError, match="is not YAML"):
        read_fleet(tmp_path / "broken.yaml")

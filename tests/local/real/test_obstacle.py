import os
import platform
import shutil

import pytest

from commonpool.errors import SetupError, UserError
from commonpool.local.fleet import parse_fleet
from commonpool.local.real.addresses import MOST_NODES, PLAIN, build_routes, find_pod_range
from commonpool.local.real.builders import list_real
from commonpool.local.real.group import build_real_node, check_fleet, count_accelerators
from commonpool.local.real.obstacle import find_maker_obstacle, find_obstacle, refuse_obstacle


def test_real_nodes_need_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert find_obstacle() == "real nodes need Linux; this is Darwin"


def test_real_nodes_need_root_and_the_refusal_says_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SetupError, match="real nodes need root") as refusal:
        refuse_obstacle()
    assert "--real-nodes 0" in refusal.value.hint


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        (("nsenter", "unshare", "mount"), "no `mount`, `unshare`, `nsenter`: `apt-get install mount util-linux` brings that"),
        (("apt-get", "tar"), "no `apt-get`, `tar`: use one with Debian or a system that is made of it"),
    ],
)
def test_real_nodes_need_debians_tools_and_the_refusal_says_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...], says: str
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda program: None if program in missing else "/usr/bin/it")
    assert find_obstacle().endswith(says)


def test_images_need_root_and_packages_and_no_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert find_maker_obstacle().startswith("images are made as root")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda program: None if program in {"unshare", "nsenter"} else "/usr/bin/it")
    assert find_maker_obstacle() == ""
    monkeypatch.setattr(shutil, "which", lambda program: None if program == "dpkg-deb" else "/usr/bin/it")
    assert find_maker_obstacle().endswith("`apt-get install dpkg` brings that")


def test_a_fleet_may_not_call_a_group_as_real_nodes_are_called() -> None:
    resources = {"cpu": 8, "memory": "1Gi", "pods": 10}
    check_fleet(parse_fleet({"groups": [{"name": "h100", "nodes": 1, "resources": resources}]}, "the test"))
    for name in ("real", "plain"):
        with pytest.raises(UserError, match=f"the fleet has a group `{name}`"):
            check_fleet(parse_fleet({"groups": [{"name": name, "nodes": 1, "resources": resources}]}, "the test"))


def test_a_real_node_is_known_by_its_label_and_kept_for_the_pool() -> None:
    node = build_real_node(2)
    assert node["metadata"]["name"] == "real-002"
    assert node["metadata"]["labels"]["local.commonpool.dev/real"] == "true"
    assert node["spec"]["taints"] == [{"key": "commonpool.dev/pool", "value": "real", "effect": "NoSchedule"}]


def test_beside_real_nodes_there_is_a_plain_one_that_no_pool_takes() -> None:
    node = build_real_node(PLAIN)
    assert node["metadata"]["labels"]["local.commonpool.dev/real"] == "plain"
    assert node["spec"]["taints"] == []
    assert count_accelerators(PLAIN) == 0
    assert list_real(2) == ["network", "dns", "real-001", "real-002", "plain-001"]
    assert list_real(0) == []
    assert any(find_pod_range(PLAIN) in route for route in build_routes(MOST_NODES))

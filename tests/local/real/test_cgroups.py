import os
from pathlib import Path

import pytest

from commonpool.local.places import Places
from commonpool.local.real import boot, cgroups
from commonpool.local.real.cgroups import Hierarchy, enter_cgroup, find_hierarchies, make_room, name_cgroup

VERSION_1 = """\
/dev/vda / ext4 rw,relatime 0 0
tmpfs /sys/fs/cgroup tmpfs rw,relatime,mode=755 0 0
cgroup /sys/fs/cgroup/cpu cgroup rw,relatime,cpu 0 0
cgroup /sys/fs/cgroup/net_cls,net_prio cgroup rw,nosuid,nodev,noexec,relatime,net_cls,net_prio 0 0
cgroup /sys/fs/cgroup/systemd cgroup rw,relatime,name=systemd 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0
"""
VERSION_2 = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec,relatime,nsdelegate,memory_recursiveprot 0 0\n"


def test_of_version_1_all_trees_are_found_with_their_controllers(tmp_path: Path) -> None:
    (tmp_path / "mounts").write_text(VERSION_1)
    assert find_hierarchies(tmp_path / "mounts") == [
        Hierarchy("cgroup", Path("/sys/fs/cgroup/cpu"), "cpu"),
        Hierarchy("cgroup", Path("/sys/fs/cgroup/net_cls,net_prio"), "net_cls,net_prio"),
        Hierarchy("cgroup", Path("/sys/fs/cgroup/systemd"), "name=systemd"),
        Hierarchy("cgroup2", Path("/sys/fs/cgroup/unified"), ""),
    ]


def test_of_version_2_there_is_one_tree_and_its_options_are_the_machines(tmp_path: Path) -> None:
    (tmp_path / "mounts").write_text(VERSION_2)
    assert find_hierarchies(tmp_path / "mounts") == [Hierarchy("cgroup2", Path("/sys/fs/cgroup"), "")]


def test_a_machine_without_cgroups_has_none(tmp_path: Path) -> None:
    assert find_hierarchies(tmp_path / "mounts") == []


def test_two_clusters_of_one_name_have_cgroups_of_different_names() -> None:
    one, other = name_cgroup(Places(Path("/home/a/default"))), name_cgroup(Places(Path("/home/b/default")))
    assert one != other
    assert one == name_cgroup(Places(Path("/home/a/default")))


def read_mounts(tmp_path: Path, text: str) -> list[Hierarchy]:
    (tmp_path / "mounts").write_text(text)
    return find_hierarchies(tmp_path / "mounts")


@pytest.mark.parametrize(
    ("mounts", "made"),
    [
        (
            VERSION_1,
            [
                "-t tmpfs tmpfs /node/sys/fs/cgroup",
                "-t cgroup -o cpu cgroup /node/sys/fs/cgroup/cpu",
                "-t cgroup -o net_cls,net_prio cgroup /node/sys/fs/cgroup/net_cls,net_prio",
                "-t cgroup -o name=systemd cgroup /node/sys/fs/cgroup/systemd",
                "-t cgroup2 cgroup /node/sys/fs/cgroup/unified",
            ],
        ),
        (VERSION_2, ["-t cgroup2 cgroup /node/sys/fs/cgroup"]),
    ],
    ids=["version 1", "version 2"],
)
def test_a_node_has_the_trees_that_its_machine_has(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mounts: str, made: list[str]) -> None:
    ran: list[str] = []
    monkeypatch.setattr(boot, "_mount", lambda *words: ran.append(" ".join(map(str, words)).replace(str(tmp_path), "/node")))
    boot._mount_cgroups(tmp_path, read_mounts(tmp_path, mounts))  # noqa: SLF001 - the rest of a boot needs root
    assert ran == made


def test_of_version_2_the_controllers_are_passed_on_to_the_pods_and_the_node_is_in_no_ones_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A folder as the kernel would show it: what is written is kept, so the last controller that was asked for stands there."""
    folders = {part: tmp_path / part for part in ("", "commonpool-a", "commonpool-a/real-001")}
    for folder in folders.values():
        folder.mkdir(exist_ok=True)
        (folder / "cgroup.controllers").write_text("cpu memory")
        (folder / "cgroup.subtree_control").write_text("cpu")
    monkeypatch.setattr(cgroups, "find_hierarchies", lambda: [Hierarchy("cgroup2", tmp_path, "")])
    enter_cgroup("commonpool-a/real-001")
    passed = {part: (folder / "cgroup.subtree_control").read_text() for part, folder in folders.items()}
    assert passed == {"": "+memory", "commonpool-a": "+memory", "commonpool-a/real-001": "cpu"}
    assert (folders["commonpool-a/real-001"] / "cgroup.procs").read_text() == str(os.getpid())
    make_room("commonpool-a/real-001")
    assert (folders["commonpool-a/real-001"] / "cgroup.subtree_control").read_text() == "+memory"
    assert (folders["commonpool-a/real-001"] / "init" / "cgroup.procs").read_text() == str(os.getpid())

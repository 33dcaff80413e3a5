from pathlib import Path

from commonpool.local.places import Places
from commonpool.local.real.cgroups import Hierarchy, find_hierarchies, name_cgroup

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

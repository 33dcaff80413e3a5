"""How a real node starts."""

from pathlib import Path

import pytest

from commonpool.local.real import node
from commonpool.local.real.spec import NodeSpec


def test_nothing_is_left_of_a_life_that_ends_only_now(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What was killed a moment ago goes on writing until it is dead, and then its cgroup can be removed."""
    folder = tmp_path / "kubelet"
    spec = NodeSpec(
        name="real-001",
        number=1,
        root=tmp_path,
        binaries=tmp_path,
        images=(),
        disk=tmp_path,
        logs=tmp_path,
        cgroup="commonpool-a/real-001",
        network_pid=0,
        labels={},
        resource="nvidia.com/gpu",
        count=8,
    )

    def wait_for_the_end(_name: str) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "checkpoint").touch()

    monkeypatch.setattr(node, "remove_cgroup", wait_for_the_end)
    node.begin_anew(spec)
    assert list(folder.iterdir()) == []

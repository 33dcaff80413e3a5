import subprocess
from pathlib import Path
from typing import Any

import pytest

from commonpool.errors import SetupError
from commonpool.local.real.debian import Root, make_root
from commonpool.local.teller import LogTeller


def test_packages_that_cannot_be_fetched_are_told_with_apts_words_and_where_they_come_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(argv: list[str], **_more: Any) -> subprocess.CompletedProcess[str]:  # noqa: ANN401
        return subprocess.CompletedProcess(argv, 100, "", "E: Unable to locate package runc")

    monkeypatch.setattr(subprocess, "run", refuse)
    with pytest.raises(SetupError, match="Unable to locate package runc") as refusal:
        make_root(Root("node", ("containerd", "runc")), tmp_path, LogTeller())
    assert refusal.value.hint.startswith("apt fetches containerd, runc from this machine's sources")
    assert [path.name for path in (tmp_path / "debian").iterdir()] == [".lock"]

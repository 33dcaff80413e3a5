import subprocess
from pathlib import Path
from typing import Any

import pytest

from commonpool.errors import SetupError
from commonpool.local.real import debian
from commonpool.local.real.debian import Root, _describe_spared, make_root
from commonpool.local.teller import LogTeller

RECORDS = """\
Package: libopencv-core406
Version: 4.6.0+dfsg-12
Architecture: amd64
Multi-Arch: same
Depends: libtbb12 (>= 2021.8.0), libc6
Description: computer vision core library

Package: libopencv-dnn406
Version: 4.6.0+dfsg-12
Architecture: amd64
Depends: libopencv-core406
"""


def answer(argv: list[str | Path]) -> str:
    """As apt-cache does."""
    match argv[-2:]:
        case ["pkgnames", "libopencv-"]:
            return "libopencv-core406\nlibopencv-dnn406\n"
        case ["libopencv-core406", "libopencv-dnn406"]:
            return RECORDS
        case _:
            return ""


def test_what_is_spared_is_told_to_apt_as_installed_and_as_asking_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "_run", answer)
    status = _describe_spared(("libopencv-", "libnothing-"), [])
    assert status == (
        "Package: libopencv-core406\nVersion: 4.6.0+dfsg-12\nArchitecture: amd64\nMulti-Arch: same\nStatus: hold ok installed\n\n"
        "Package: libopencv-dnn406\nVersion: 4.6.0+dfsg-12\nArchitecture: amd64\nStatus: hold ok installed\n\n"
    )


def test_nothing_is_spared_of_a_release_that_has_nothing_of_that_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "_run", answer)
    assert not _describe_spared(("libnothing-",), [])


def test_a_root_folder_with_other_content_has_another_key() -> None:
    roots = [
        Root("torch", ("python3-torch",)),
        Root("torch", ("python3-torch",), spared=("libopencv-",)),
        Root("torch", ("python3-torch",), modules=("torch",)),
        Root("torch", ("python3-torch", "dash")),
    ]
    assert len({root.compute_key() for root in roots}) == len(roots)


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

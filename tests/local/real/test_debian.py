from pathlib import Path

import pytest

from commonpool.local.real import debian
from commonpool.local.real.debian import Root, _describe_spared

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

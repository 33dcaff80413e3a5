from pathlib import Path

import pytest

from commonpool.errors import SetupError
from commonpool.local.real import libraries
from commonpool.local.real.libraries import link_missing


def test_a_library_that_is_missing_is_its_alternative_or_else_an_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "usr" / "lib" / "x86_64-linux-gnu"
    for name in ("libc.so.6", "libdl.so.2", "blas/libblas.so.3"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name, encoding="ascii")
    asked = ["libblas.so.3", "libopencv_core.so.406", "libc.so.6"]
    monkeypatch.setattr(libraries, "_find_missing", lambda _root, folder: [name for name in asked if not (folder / name).exists()])

    link_missing(tmp_path)

    assert (folder / "libblas.so.3").readlink() == Path("blas/libblas.so.3")
    assert (folder / "libopencv_core.so.406").readlink() == Path("libdl.so.2")
    assert not (folder / "libc.so.6").is_symlink()


def test_a_folder_without_a_c_library_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="has no C library"):
        link_missing(tmp_path)

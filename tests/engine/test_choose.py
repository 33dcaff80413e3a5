from pathlib import Path

import pytest

from commonpool.engine.choose import choose_engine
from commonpool.engine.native import load_native
from commonpool.errors import SetupError


def test_the_native_engine_is_taken_where_its_library_is(libpacking: Path) -> None:
    choice = choose_engine(libpacking)
    assert choice.engine.name == "native"
    assert str(libpacking) in choice.why


def test_the_reference_stands_in_where_no_library_is_named_or_there(tmp_path: Path) -> None:
    missing = tmp_path / "libpacking.so"
    assert choose_engine(None).engine.name == "reference"
    assert choose_engine(missing).engine.name == "reference"
    assert f"`{missing}`" in choose_engine(missing).why


def test_a_file_that_is_no_packing_engine_is_told_and_replaced(tmp_path: Path) -> None:
    wrong = tmp_path / "libpacking.so"
    wrong.write_text("not a library")
    assert choose_engine(wrong).engine.name == "reference"
    assert "cannot be loaded" in choose_engine(wrong).why
    with pytest.raises(SetupError, match="cannot be loaded"):
        load_native(wrong)

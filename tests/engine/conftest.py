import subprocess
from pathlib import Path

import pytest

from commonpool.config import read_settings
from commonpool.engine.native import load_native
from commonpool.engine.protocol import Engine
from commonpool.engine.reference import ReferenceEngine
from commonpool.local.gotool import find_go
from commonpool.local.places import find_source
from commonpool.local.teller import LogTeller


@pytest.fixture(scope="session")
def libpacking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from this tree for every run: Go's own build cache makes that half a second."""
    settings = read_settings()
    source = find_source(settings)
    go = find_go(source, settings.cache_dir, LogTeller())
    library = tmp_path_factory.mktemp("libpacking") / "libpacking.so"
    command: list[str | Path] = [go.command, "build", "-buildvcs=false", "-buildmode=c-shared", "-o", library, "./cmd/libpacking"]
    built = subprocess.run(command, cwd=source.scheduler, capture_output=True, text=True, timeout=300, check=False)
    assert built.returncode == 0, built.stderr
    return library


@pytest.fixture(scope="session")
def native(libpacking: Path) -> Engine:
    return load_native(libpacking)


@pytest.fixture(scope="session", params=["reference", "native"])
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == "reference":
        return ReferenceEngine()
    found: Engine = request.getfixturevalue("native")
    return found

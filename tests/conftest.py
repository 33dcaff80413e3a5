"""What all tests share: one local cluster for the stories, brought up when the first of them asks for it."""

import os
import shutil
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings as hypothesis_settings

from commonpool.config import Settings
from commonpool.local.cluster import LocalCluster, Wish
from commonpool.local.fleet import read_fleet
from commonpool.local.places import find_source
from commonpool.local.teller import LogTeller

# A busy machine breaks no law; and CI, which is `make test`, tries the same examples each time: a rare breach is found at home,
# where people look for it.
hypothesis_settings.register_profile("commonpool", deadline=None, derandomize="CI" in os.environ)
hypothesis_settings.load_profile("commonpool")


# Who starts the tests in the background of a script has Ctrl-C ignored, and commands started by tests would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    generated = parser.getgroup("generated manifests")
    generated.addoption("--fuzz", type=int, default=2000, help="how many are sent (default: %(default)s)")
    generated.addoption("--fuzz-seed", type=int, default=1, help="of which row (default: %(default)s)")
    cycles = parser.getgroup("cycles of real nodes")
    cycles.addoption("--cycles", type=int, default=3, help="how many (default: %(default)s)")
    cycles.addoption("--cycles-seed", type=int, default=1, help="of which row (default: %(default)s)")
    generated.addoption("--fuzz-from", type=int, default=0, help="the first number of the row (default: %(default)s)")
    lived = parser.getgroup("histories of a pool in memory")
    lived.addoption("--histories", type=int, default=100, help="how many are lived through (default: %(default)s)")
    lived.addoption("--histories-from", type=int, default=0, help="the number of the first (default: %(default)s)")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Side by side (`make test`), stories that share a cluster stay together: those of fake nodes, and those of real ones."""
    for item in items:
        if item.get_closest_marker("story"):
            item.add_marker(pytest.mark.xdist_group("real nodes" if "real" in item.path.parts else "stories"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """With a pytest that pytest-xdist does not know yet each worker would have clusters of its own, and nobody would be told."""
    if session.config.getoption("loadgroup", default=False):
        scattered = [item.nodeid for item in session.items if item.get_closest_marker("story") and "@" not in item.nodeid]
        if scattered:
            msg = f"{len(scattered)} stories are in no group of pytest-xdist: see pyproject.toml"
            raise pytest.UsageError(msg)


@pytest.fixture(scope="session")
def local_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """A real control plane with commonpool on local/fleets/small.yaml; the logs stay in pytest's temporary folder."""
    settings = Settings(state_home=tmp_path_factory.mktemp("local"))
    cluster = LocalCluster(settings, "stories", LogTeller())
    fleet = read_fleet(find_source(settings).fleets / "small.yaml")
    try:
        cluster.up(Wish(fleet=fleet))
        yield cluster
    finally:
        cluster.down()
        shutil.rmtree(cluster.places.etcd, ignore_errors=True)

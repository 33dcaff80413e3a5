"""What the stories of the whole way share: the pools, and for each test tenants of its own, laws and parity at its end."""

import signal
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from tests.stories.acts import ACTS, Act, Cast
from tests.stories.aftermath import describe
from tests.stories.cluster import eventually
from tests.stories.parity import expect_parity, list_recordings, load_engines
from tests.stories.story import OURS, Story

from commonpool.config import read_settings
from commonpool.engine.protocol import Engine
from commonpool.errors import UserError
from commonpool.local.binaries import Binaries
from commonpool.local.client import Client
from commonpool.local.cluster import LocalCluster
from commonpool.local.places import find_source
from commonpool.local.teller import LogTeller

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Whatever fails says what its cluster was at."""
    report = yield
    clusters = [each for each in getattr(item, "funcargs", {}).values() if isinstance(each, LocalCluster)] if report.failed else []
    for cluster in clusters:
        with suppress(OSError, ValueError):  # a recording may be replaced while it is read
            report.sections.extend(describe(cluster))
    return report


@pytest.fixture(scope="session")
def engines() -> tuple[Engine, ...]:
    settings = read_settings()
    return load_engines(Binaries(find_source(settings), settings.cache_dir, LogTeller()))


@pytest.fixture(scope="module")
def pool_admin(local_cluster: LocalCluster) -> Iterator[Client]:
    """The admin of a cluster where the examples' pools stand; other stories make pools of these names themselves."""
    admin = local_cluster.client()
    manifests = yaml.safe_load_all((EXAMPLES / "pools.yaml").read_text(encoding="utf-8"))
    pools = {name: manifest for manifest in manifests if (name := manifest["metadata"]["name"]) in {"h100", "a100"}}
    for manifest in pools.values():
        admin.create(f"{OURS}/gpupools", manifest)
    paths = [f"{OURS}/gpupools/{name}" for name in pools]
    eventually(lambda: [admin.get(path).get("status", {}).get("nodes") for path in paths], until=lambda seen: seen == [4, 2])
    yield admin
    for path in paths:
        admin.delete(path)


@pytest.fixture
def story(local_cluster: LocalCluster, pool_admin: Client, engines: tuple[Engine, ...]) -> Iterator[Story]:
    before = list_recordings(local_cluster.places)
    story = Story(local_cluster, pool_admin)
    try:
        yield story
        assert not story.breaches()
        expect_parity(list_recordings(local_cluster.places) - before, engines)
    finally:
        story.heal()
        story.clear()


@pytest.fixture
def cast(story: Story) -> Iterator[Cast]:
    cast = Cast(story, story.add_tenant("vision", "alice"), story.add_tenant("nlp", "bob", guaranteed=16))
    try:
        with story.lawful():
            yield cast
    finally:
        with suppress(UserError):
            story.cluster.kill("kwok", signal.SIGCONT)


@pytest.fixture(params=ACTS, ids=lambda make: make.__name__.lower())
def act(request: pytest.FixtureRequest, cast: Cast) -> Act:
    make: Callable[[Cast], Act] = request.param
    return make(cast)

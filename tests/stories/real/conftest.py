"""What stories on real nodes share: a cluster of their own that has two, and nothing but them takes accelerators."""

from collections.abc import Iterator

import pytest
from tests.stories.cluster import eventually
from tests.stories.real.counting import PodLog
from tests.stories.real.footprint import expect_nothing_left, take_footprint
from tests.stories.story import OURS, PATIENCE_SECONDS, Member, Story

from commonpool.config import Settings
from commonpool.local.cluster import LocalCluster, Wish
from commonpool.local.fleet import parse_fleet
from commonpool.local.real.group import REAL_LABEL
from commonpool.local.real.obstacle import find_obstacle
from commonpool.local.teller import LogTeller

FLEET = parse_fleet(
    {
        "groups": [{"name": "cpu", "nodes": 1, "resources": {"cpu": 8, "memory": "32Gi", "pods": 110}}],
        "users": [{"name": "alice"}, {"name": "bob"}],
    },
    "the test",
)
POOL = {"vendor": "nvidia", "model": "H100-SXM-80GB", "nodes": {"matchLabels": {REAL_LABEL: "true"}}}


@pytest.fixture(scope="session")
def real_nodes_are_possible() -> None:
    """Skip with a sentence where they are not."""
    if obstacle := find_obstacle():
        pytest.skip(obstacle)


@pytest.fixture(scope="session")
def real_cluster(real_nodes_are_possible: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:  # noqa: ARG001 - it skips
    """Two real nodes, a fake one, and commonpool; at the end nothing is left of it."""
    cluster = LocalCluster(Settings(state_home=tmp_path_factory.mktemp("real")), "work", LogTeller())
    before = take_footprint(cluster)
    try:
        cluster.up(Wish(fleet=FLEET, real_nodes=2))
        yield cluster
        cluster.down()
        expect_nothing_left(cluster, before)
    finally:
        cluster.down(delete=True)


@pytest.fixture
def story(real_cluster: LocalCluster) -> Iterator[Story]:
    story = Story(real_cluster, real_cluster.client())
    if not story.admin.find(f"{OURS}/gpupools/real"):
        story.create("GPUPool", "real", POOL)
    try:
        yield story
        # A kubelet that was killed counts no accelerators for a moment, until its device plugin is back, and pods hold them all the while.
        eventually(story.breaches, within_seconds=PATIENCE_SECONDS, until=lambda found: not found)
    finally:
        story.heal()
        story.clear()


@pytest.fixture
def alice(story: Story) -> Member:
    return story.add_tenant("vision", "alice")


@pytest.fixture
def log(alice: Member) -> Iterator[PodLog]:
    """All pods that alice's work has had."""
    with PodLog.begin(alice) as log:
        yield log


@pytest.fixture
def bob(story: Story) -> Member:
    """A tenant whose guarantee is half of the pool."""
    bob = story.add_tenant("nlp", "bob")
    story.create("GPUQuota", bob.tenant, {"tenant": bob.tenant, "pools": [{"pool": "real", "guaranteed": 8}]})
    return bob

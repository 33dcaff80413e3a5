"""Loads read over real HTTP from the local stand-in for Prometheus."""

import threading
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer

import aiohttp
import pytest
from tests.kube.objects import FilledMirror, deployment_body, workload_body

from commonpool.kube.load import Load
from commonpool.live.follower import Follower, Source, Ways
from commonpool.live.promql import build_query
from commonpool.local.load import build_server


@dataclass
class Town:
    """A service, its load, and who reads it."""

    server: ThreadingHTTPServer
    session: aiohttp.ClientSession
    now_at: int = 1000
    mirror: FilledMirror = field(default_factory=FilledMirror)

    def __post_init__(self) -> None:
        self.follow("requestsPerSecond")
        source = Source(f"http://127.0.0.1:{self.server.server_port}", {"queue": 'q{namespace="$namespace",service="$name"}'}, 1, 60)
        self.follower = Follower(self.mirror, source, lambda: self.now_at, lambda: True)

    def follow(self, metric: str) -> None:
        said = {"replicas": {"min": 1, "max": 8}, "target": {"metric": metric, "perReplica": "10"}}
        self.mirror.own(workload_body("chat", "inference", said))

    def put(self, total: str) -> None:
        url = f"http://127.0.0.1:{self.server.server_port}/load?namespace=vision-dev&name=chat&total={total}"
        with urllib.request.urlopen(urllib.request.Request(url, method="PUT"), timeout=5) as answer:
            assert answer.status == 200

    async def look(self) -> Load:
        await self.follower.look(Ways(self.session, self.session))
        [load] = self.mirror.loads.values()
        return load


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    server = build_server(0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
async def town(server: ThreadingHTTPServer) -> AsyncIterator[Town]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        yield Town(server, session)


async def test_a_service_grows_at_once_and_shrinks_when_it_has_been_calm(town: Town) -> None:
    town.put("45")
    assert await town.look() == Load(5)
    town.put("12")
    town.now_at += 59
    assert await town.look() == Load(5)
    town.now_at += 2
    assert await town.look() == Load(2)
    town.put("75")
    assert await town.look() == Load(8)


async def test_only_a_load_that_differs_wakes_the_planner(town: Town) -> None:
    town.put("45")
    await town.look()
    town.mirror.dirty.clear()
    town.put("44")
    await town.look()
    assert not town.mirror.dirty.is_set()


async def test_a_load_that_is_nowhere_leaves_the_service_as_it_is_and_says_so(town: Town) -> None:
    assert await town.look() == Load(None, "none of its pods is ready to be asked for its load")
    town.put("45")
    await town.look()
    town.server.shutdown()
    town.server.server_close()
    assert await town.look() == Load(5, "the metrics' server does not answer: ask an administrator")


async def test_an_administrator_may_say_how_a_metric_is_read(town: Town) -> None:
    town.put("20")
    town.follow("queue")
    assert await town.look() == Load(2)
    town.follow("mood")
    assert (await town.look()).problem.startswith("nobody has said how metric `mood` is read: use one of `queue`, `requestsInFlight`")


@pytest.mark.parametrize("total", ["nan", "inf", "-inf", "-5"])
async def test_an_answer_that_can_be_no_load_is_none_and_the_service_keeps_its_size(town: Town, total: str) -> None:
    problem = f"metric `requestsPerSecond` tells of a load of `{float(total)}`, which can be none: ask an administrator"
    town.put(total)
    assert await town.look() == Load(None, problem)
    town.put("45")
    await town.look()
    town.put(total)
    town.now_at += 1000
    assert await town.look() == Load(5, problem)


async def test_no_load_is_a_load(town: Town) -> None:
    town.put("0")
    assert await town.look() == Load(1)


async def test_after_a_start_a_service_keeps_the_size_that_it_has_as_long_as_before_any_shrinking(town: Town) -> None:
    town.mirror.deployments_are(deployment_body("chat", replicas=6, owner_uid="uid-GPUWorkload-chat"))
    town.put("12")
    assert await town.look() == Load(6)
    town.now_at += 59
    assert await town.look() == Load(6)
    town.now_at += 2
    assert await town.look() == Load(2)


async def test_what_was_not_known_for_so_long_is_known_as_little_as_after_a_start(town: Town) -> None:
    town.mirror.deployments_are(deployment_body("chat", replicas=6, owner_uid="uid-GPUWorkload-chat"))
    town.put("55")
    assert await town.look() == Load(6)
    town.now_at += 1000
    town.put("12")
    assert await town.look() == Load(6)


async def test_somebody_elses_deployment_of_that_name_says_nothing_of_its_size(town: Town) -> None:
    town.mirror.deployments_are(deployment_body("chat", replicas=6))
    town.put("12")
    assert await town.look() == Load(2)


@pytest.mark.parametrize("name", ['chat"}) or vector(1000', "chat\\", "Chat", "", "a" + "$namespace"])
def test_a_name_that_is_none_is_never_put_into_a_query(name: str) -> None:
    assert build_query({}, "requestsPerSecond", "vision-dev", name) is None
    assert build_query({}, "requestsPerSecond", name, "chat") is None


def test_a_query_names_the_service() -> None:
    assert build_query({}, "requestsPerSecond", "vision-dev", "chat") == (
        'sum(rate(http_requests_total{namespace="vision-dev",service="chat"}[1m]))'
    )

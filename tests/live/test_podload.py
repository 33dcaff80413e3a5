"""Loads read over real HTTP from the pods themselves, through a door as the local cluster has one: it is told whom they ask."""

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from tests.kube.objects import Body, FilledMirror, deployment_body, service_pod_body, workload_body

from commonpool.api.inference import Inference
from commonpool.kube.load import Load, count_pods
from commonpool.live import follower as following
from commonpool.live.answers import MOST_BYTES, LoadUnknownError
from commonpool.live.follower import Follower, Source, Ways, build_pods_session
from commonpool.live.podload import MOST_PODS, WORDS, PodLoads, parse_counts
from commonpool.model.ids import NodeName
from commonpool.model.names import REPLICAS_ANNOTATION

RUNNING, WAITING, DONE = "vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:request_success_total"
TOKENS = "vllm:generation_tokens_total"
HANGS = "no answer ever"
HOST = "172.30.0.11"
PORT = 8000
TEMPLATE = {"spec": {"containers": [{"name": "main", "image": "x"}]}}
TARGET = {"metric": "requestsInFlight", "perReplica": "10"}


@dataclass
class Town:
    """Services whose pods really answer."""

    session: aiohttp.ClientSession
    texts: dict[str, str | bytes]
    """What is answered, by address; nobody listens elsewhere."""
    now_at: float = 1000.0
    mirror: FilledMirror = field(default_factory=FilledMirror)

    def __post_init__(self) -> None:
        self.mirror.pool_nodes = frozenset({NodeName("gpu-0")})
        self.follow("requestsInFlight")
        self.follower = self.begin()

    def begin(self) -> Follower:
        return Follower(self.mirror, Source(every_seconds=1, calm_seconds=60), lambda: self.now_at, lambda: True)

    def follow(self, metric: str, name: str = "chat") -> None:
        said = {"replicas": {"min": 0, "max": 8}, "port": PORT, "target": {"metric": metric, "perReplica": "10"}}
        self.mirror.own(workload_body(name, "inference", said))
        self.mirror.deployments_are(deployment_body(name, replicas=0, owner_uid=f"uid-GPUWorkload-{name}"))

    def serve(self, number: int, **counts: float) -> None:
        """The pod of that number answers, and goes on doing so."""
        names = {"running": RUNNING, "waiting": WAITING, "done": DONE}
        self.answer(number, "".join(f'# TYPE {names[word]} x\n{names[word]}{{model="m"}} {count}\n' for word, count in counts.items()))

    def answer(self, number: int, text: str | bytes, service: str = "chat") -> None:
        self.texts[f"10.244.1.{number}"] = text
        self.see(self.build(number, service=service))

    def build(self, number: int, *, service: str = "chat", address: str = "", ready: bool = True) -> Body:
        body = service_pod_body(f"{service}-{number}", service, node="gpu-0")
        condition = {"type": "Ready", "status": str(ready)}
        body["status"] |= {"podIP": address or f"10.244.1.{number}", "hostIP": HOST, "conditions": [condition]}
        return body

    def see(self, body: Body) -> None:
        self.mirror.pods_are(body)

    async def look(self, service: str = "chat") -> Load:
        await self.follower.look(Ways(self.session, self.session))
        return self.mirror.loads[f"uid-GPUWorkload-{service}"]


@asynccontextmanager
async def answer(door: Path, texts: dict[str, str | bytes]) -> AsyncIterator[None]:
    async def tell(request: web.Request) -> web.Response:
        text = texts.get(request.host.removesuffix(f":{PORT}"))
        if text is None and request.transport is not None:
            request.transport.abort()
        if text == HANGS:
            await asyncio.Event().wait()
        if isinstance(text, bytes):
            return web.Response(body=text, headers={"Content-Encoding": "gzip"})
        return web.Response(text=text)

    town = web.Application()
    town.router.add_get("/metrics", tell)
    runner = web.AppRunner(town, access_log=None, handler_cancellation=True, shutdown_timeout=0)
    await runner.setup()
    await web.UnixSite(runner, str(door)).start()
    try:
        yield
    finally:
        await runner.cleanup()


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    texts: dict[str, str | bytes] = {}
    async with answer(tmp_path / "door", texts), build_pods_session(str(tmp_path / "door")) as session:
        yield Town(session, texts)


async def test_what_all_pods_do_together_is_the_load(town: Town) -> None:
    town.serve(1, running=12, waiting=7)
    town.serve(2, running=12)
    assert await town.look() == Load(4)
    town.follow("requestsWaiting")
    town.now_at += 61
    assert await town.look() == Load(1)


async def test_what_pods_have_done_is_told_by_how_it_grows_also_when_one_of_them_begins_anew(town: Town) -> None:
    town.follow("requestsPerSecond")
    town.serve(1, done=1000)
    town.serve(2, done=5000)
    assert (await town.look()).problem.startswith("its pods were asked for the first time")
    town.now_at += 2
    town.serve(1, done=1050)
    town.serve(2, done=6)
    assert await town.look() == Load(3)


async def test_a_pod_that_does_not_answer_leaves_the_service_as_it_is_and_one_that_is_not_ready_is_not_asked(town: Town) -> None:
    town.serve(1, running=25)
    town.see(town.build(2, ready=False))
    assert await town.look() == Load(3)
    town.see(town.build(2))
    town.now_at += 61
    load = await town.look()
    assert (load.desired, load.problem) == (
        3,
        f"its pod `chat-2` does not tell its load on port {PORT}: does it serve /metrics there?",
    )


async def test_pods_that_count_something_else_are_told_what_they_should_count(town: Town) -> None:
    town.serve(1, done=3)
    assert (await town.look()).problem == (
        f"the /metrics of its pods on port {PORT} do not tell `{RUNNING}` or `{WAITING}` or `http_requests_in_flight`"
    )
    town.follow("mood")
    assert (await town.look()).problem.startswith("nobody has said how metric `mood` is read: use one of `requestsInFlight`")


async def test_a_service_that_is_read_from_its_pods_keeps_one(town: Town) -> None:
    town.serve(1, running=0)
    assert await town.look() == Load(1)


async def test_an_answer_without_end_is_cut_off(town: Town) -> None:
    town.serve(1, running=1)
    town.answer(1, "x" * (MOST_BYTES + 1))
    assert "answers more than a load" in (await town.look()).problem


async def test_an_operator_that_has_just_started_remembers_what_the_load_had_asked_for(town: Town) -> None:
    made = deployment_body("chat", replicas=5, owner_uid="uid-GPUWorkload-chat")
    made["metadata"]["annotations"] = {REPLICAS_ANNOTATION: "4"}
    town.mirror.deployments_are(made)
    town.serve(1, running=1)
    assert await town.look() == Load(4)
    town.now_at += 59
    assert await town.look() == Load(4)
    town.now_at += 2
    assert await town.look() == Load(1)


async def test_pods_that_count_more_than_there_can_be_tell_no_load_and_end_nothing(town: Town) -> None:
    town.follow("tokensPerSecond")
    town.answer(1, f"{TOKENS} 1e308\n" * 3)
    await town.look()
    town.now_at += 15
    load = await town.look()
    assert (load.desired, load.problem) == (None, "its pods tell of a load of `nan`, which can be none: what do they count?")


async def test_what_nobody_has_thought_of_costs_one_services_reading_only(
    town: Town, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(text: str) -> dict[str, float]:
        return {RUNNING: float(1 / ("boom" not in text))}

    monkeypatch.setattr("commonpool.live.podload.parse_counts", fail)
    town.follow("requestsInFlight", "other")
    town.answer(1, "fine")
    town.answer(2, "boom", service="other")
    with caplog.at_level(logging.ERROR):
        load = await town.look("other")
    assert load == Load(None, "its load could not be read: ZeroDivisionError('division by zero')")
    assert "Traceback" in caplog.text
    assert await town.look() == Load(1)


async def test_pods_that_hang_hold_up_their_own_service_only_and_none_for_longer_than_it_may_take(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "DEADLINE_SECONDS", 3.0)
    town.follow("requestsInFlight", "slow")
    for number in range(2, 2 + MOST_PODS):
        town.answer(number, HANGS, service="slow")
    town.serve(1, running=25)
    assert await town.look() == Load(3)
    assert town.mirror.loads["uid-GPUWorkload-slow"].problem.startswith("its load was not told within")


async def test_of_more_pods_than_can_be_asked_in_one_go_none_is(town: Town) -> None:
    for number in range(1, 2 + MOST_PODS):
        town.serve(number, running=1)
    assert (await town.look()).problem.startswith(f"`{MOST_PODS + 1}` of its pods are ready, and at most `{MOST_PODS}` are asked")


async def test_a_pod_without_an_answer_ends_the_questions_to_the_others_at_once(town: Town) -> None:
    for number in range(2, 7):
        town.answer(number, HANGS)
    town.see(town.build(1))
    assert "its pod `chat-1` does not tell" in (await town.look()).problem
    assert "live/podload.py" not in str(asyncio.all_tasks())


@pytest.mark.parametrize("address", [HOST, "127.0.0.1", "169.254.169.254", "::", "224.0.0.1", "::1", "fe80::1", "::ffff:127.0.0.1", "x"])
async def test_a_pod_under_an_address_that_is_not_its_own_is_not_asked(town: Town, address: str) -> None:
    town.texts[address] = f"{RUNNING} 25\n"
    town.see(town.build(1, address=address))
    assert (await town.look()).problem.startswith(
        f"its pod `chat-1` is not asked for its load: `{address}` is its node's address, or no pod's"
    )


async def test_only_pods_with_accelerators_on_nodes_of_pools_are_asked(town: Town) -> None:
    town.serve(1, running=5)
    idle, elsewhere = town.build(2), town.build(3)
    idle["spec"]["containers"][0]["resources"] = {}
    elsewhere["spec"]["nodeName"] = "cpu-0"
    town.see(idle)
    town.see(elsewhere)
    assert await town.look() == Load(1)


async def test_pods_of_somebody_elses_deployment_are_not_asked(town: Town) -> None:
    town.serve(1, running=5)
    town.mirror.deployments_are(deployment_body("chat", replicas=0, owner_uid="uid-GPUWorkload-other"))
    assert await town.look() == Load(None, "none of its pods is ready to be asked for its load")


async def test_what_is_packed_is_not_unpacked_because_it_may_be_without_end(town: Town) -> None:
    town.answer(1, gzip.compress(f"{RUNNING} 25\n".encode() + b" " * 100 * MOST_BYTES))
    assert "do not tell" in (await town.look()).problem


@given(st.text())
def test_whatever_a_pod_writes_only_numbers_are_taken(text: str) -> None:
    assert all(0 <= count < float("inf") for count in parse_counts(f'{text}\n{RUNNING}{{a="}}"}} {text}\n{RUNNING} 2 1700\n').values())


VALUES = st.floats() | st.sampled_from([1e308, 1.7e308]) | st.text(max_size=4)
SAMPLES = st.tuples(st.sampled_from([RUNNING, WAITING, DONE, TOKENS]), VALUES)
ANSWERS = st.lists(SAMPLES, max_size=8).map(lambda samples: "\n".join(f"{name} {value}" for name, value in samples))
READINGS = st.lists(st.lists(ANSWERS, min_size=2, max_size=2), min_size=2, max_size=2)


@given(READINGS, st.sampled_from(sorted(WORDS)), st.sampled_from([1e-9, 15.0]))
def test_whatever_pods_write_again_and_again_is_a_load_or_told_as_none(readings: list[list[str]], metric: str, seconds: float) -> None:
    loads, service = PodLoads(), Inference.model_validate({"replicas": {"min": 0, "max": 8}, "template": TEMPLATE, "target": TARGET})
    for index, texts in enumerate(readings):
        counts = {str(number): parse_counts(text) for number, text in enumerate(texts)}
        try:
            total = loads.add_up(counts, PORT, metric, index * seconds)
        except LoadUnknownError:
            continue
        assert 0 <= total < float("inf")
        assert 0 <= count_pods(service, total) <= 8


def test_samples_of_all_labels_are_added_up_and_what_is_no_number_counts_nothing() -> None:
    text = f'{DONE}{{reason="stop"}} 3\n{DONE}{{reason="a}} 9"}} 4.0 1700000000\n{RUNNING} NaN\n{WAITING} -1\nother 5\n#{DONE} 7\n'
    assert parse_counts(text) == {DONE: 7.0, RUNNING: 0.0, WAITING: 0.0}

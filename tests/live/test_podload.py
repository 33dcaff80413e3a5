"""Loads read over real HTTP from the pods themselves: each has an address of its own, and all listen on one port."""

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kube.objects import FilledMirror, deployment_body, service_pod_body, workload_body

from commonpool.kube.load import Load
from commonpool.live.answers import MOST_BYTES
from commonpool.live.follower import Follower, Source, Ways
from commonpool.live.podload import parse_counts
from commonpool.local.ports import find_free_ports
from commonpool.model.names import REPLICAS_ANNOTATION

RUNNING, WAITING, DONE = "vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:request_success_total"


@dataclass
class Town:
    """A service whose pods really answer."""

    session: aiohttp.ClientSession
    stack: ExitStack
    texts: dict[str, str] = field(default_factory=dict)
    now_at: float = 1000.0
    mirror: FilledMirror = field(default_factory=FilledMirror)

    def __post_init__(self) -> None:
        self.port = find_free_ports(1)[0]
        self.follow("requestsInFlight")
        self.follower = self.begin()

    def begin(self) -> Follower:
        return Follower(self.mirror, Source(every_seconds=1, calm_seconds=60), lambda: self.now_at, lambda: True)

    def follow(self, metric: str) -> None:
        said = {"replicas": {"min": 0, "max": 8}, "port": self.port, "target": {"metric": metric, "perReplica": "10"}}
        self.mirror.own(workload_body("chat", "inference", said))

    def serve(self, number: int, **counts: float) -> None:
        """The pod of that number answers, and goes on doing so."""
        address = f"127.0.0.{number}"
        if address not in self.texts:
            self.stack.enter_context(answer(address, self.port, self.texts))
        names = {"running": RUNNING, "waiting": WAITING, "done": DONE}
        self.texts[address] = "".join(f'# TYPE {names[word]} x\n{names[word]}{{model="m"}} {count}\n' for word, count in counts.items())
        self.see(number, address)

    def see(self, number: int, address: str, *, ready: bool = True) -> None:
        body = service_pod_body(f"chat-{number}", "chat", node="gpu-0")
        body["status"] |= {"podIP": address, "conditions": [{"type": "Ready", "status": str(ready)}]}
        self.mirror.pods_are(body)

    async def look(self) -> Load:
        await self.follower.look(Ways(self.session, self.session))
        [load] = self.mirror.loads.values()
        return load


@contextmanager
def answer(address: str, port: int, texts: dict[str, str]) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/metrics" else 404)
            self.end_headers()
            self.wfile.write(texts[address].encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((address, port), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    with ExitStack() as stack:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            yield Town(session, stack)


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
    town.see(2, "127.0.0.2", ready=False)
    assert await town.look() == Load(3)
    town.see(2, "127.0.0.2")
    town.now_at += 61
    load = await town.look()
    assert (load.desired, load.problem) == (
        3,
        f"its pod `chat-2` does not tell its load on port {town.port}: does it serve /metrics there?",
    )


async def test_pods_that_count_something_else_are_told_what_they_should_count(town: Town) -> None:
    town.serve(1, done=3)
    assert (await town.look()).problem == (
        f"the /metrics of its pods on port {town.port} do not tell `{RUNNING}` or `{WAITING}` or `http_requests_in_flight`"
    )
    town.follow("mood")
    assert (await town.look()).problem.startswith("nobody has said how metric `mood` is read: use one of `requestsInFlight`")


async def test_a_service_that_is_read_from_its_pods_keeps_one(town: Town) -> None:
    town.serve(1, running=0)
    assert await town.look() == Load(1)


async def test_an_answer_without_end_is_cut_off(town: Town) -> None:
    town.serve(1, running=1)
    town.texts["127.0.0.1"] = "x" * (MOST_BYTES + 1)
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


@given(st.text())
def test_whatever_a_pod_writes_only_numbers_are_taken(text: str) -> None:
    assert all(0 <= count < float("inf") for count in parse_counts(f'{text}\n{RUNNING}{{a="}}"}} {text}\n{RUNNING} 2 1700\n').values())


def test_samples_of_all_labels_are_added_up_and_what_is_no_number_counts_nothing() -> None:
    text = f'{DONE}{{reason="stop"}} 3\n{DONE}{{reason="a}} 9"}} 4.0 1700000000\n{RUNNING} NaN\n{WAITING} -1\nother 5\n#{DONE} 7\n'
    assert parse_counts(text) == {DONE: 7.0, RUNNING: 0.0, WAITING: 0.0}

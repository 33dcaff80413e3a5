"""What Prometheus and the kubelet are told."""

import aiohttp
from prometheus_client import CollectorRegistry, Gauge

from commonpool.live.http import serve_http


async def test_a_probe_answers_503_with_the_complaint_and_200_when_all_is_well() -> None:
    complaints: list[str] = ["pods are not listed yet"]
    registry = CollectorRegistry()
    Gauge("commonpool_seen", "for this test", registry=registry).set(7)
    async with (
        serve_http("127.0.0.1", 0, registry=registry, healthy=lambda: None, ready=lambda: complaints[0] if complaints else None) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        async with session.get("/readyz") as answer:
            assert (answer.status, await answer.text()) == (503, "pods are not listed yet\n")
        complaints.clear()
        async with session.get("/readyz") as answer:
            assert answer.status == 200
        async with session.get("/healthz") as answer:
            assert answer.status == 200
        async with session.get("/metrics") as answer:
            assert "commonpool_seen 7.0" in await answer.text()

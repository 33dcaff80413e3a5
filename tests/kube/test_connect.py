import asyncio
import json
from pathlib import Path

import pytest

from commonpool.errors import ConflictError, SetupError
from commonpool.kube import client as module
from commonpool.kube.client import connect, find_namespace
from commonpool.kube.resources import PODS


def write_kubeconfig(folder: Path, *, server: str = "https://api.example:6443", **context: str) -> Path:
    kubeconfig = folder / "kubeconfig"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "it", "cluster": {"server": server}}],
        "users": [{"name": "it", "user": {"token": "secret"}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it", **context}}],
        "current-context": "it",
    }
    kubeconfig.write_text(json.dumps(config))
    return kubeconfig


async def find_proxy(folder: Path) -> str | None:
    client = await connect(write_kubeconfig(folder))
    try:
        proxy: str | None = client.configuration.proxy
        return proxy
    finally:
        await client.close()


@pytest.mark.parametrize(("excepted", "proxy"), [("", "http://proxy.example:3128"), ("api.example", None)])
async def test_the_environments_proxy_counts_unless_it_excepts_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, excepted: str, proxy: str | None
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", excepted)
    assert await find_proxy(tmp_path) == proxy


def test_the_contexts_namespace_is_meant_where_none_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_namespace(write_kubeconfig(tmp_path)) == "default"
    assert find_namespace(write_kubeconfig(tmp_path, namespace="vision-dev")) == "vision-dev"
    monkeypatch.setattr(module, "OWN_NAMESPACE", tmp_path / "namespace")
    (tmp_path / "namespace").write_text("tools\n")
    assert find_namespace() == "tools", "in a pod, its own"
    assert find_namespace(write_kubeconfig(tmp_path, namespace="vision-dev")) == "vision-dev", "but a kubeconfig that is named wins"


def test_what_is_no_kubeconfig_has_no_namespace(tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text("clusters: [")
    with pytest.raises(SetupError, match="is no kubeconfig"):
        find_namespace(tmp_path / "kubeconfig")


async def test_who_stood_still_while_the_connection_was_made_and_no_longer_leads_sends_nothing(tmp_path: Path) -> None:
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    leads = True

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.set_result(await reader.read(1000))
        writer.close()
        await writer.wait_closed()

    def check() -> None:
        nonlocal leads
        if not leads:
            raise ConflictError("another leads")
        leads = False  # it led when it decided to write

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    client = await connect(write_kubeconfig(tmp_path, server=url), guard=check)
    try:
        with pytest.raises(ConflictError, match="another leads"):
            await client.delete(PODS, "a", "b")
        assert not await heard, "the connection was closed without a word"
    finally:
        await client.close()
        server.close()
        await server.wait_closed()

import json
from pathlib import Path

import pytest

from commonpool.errors import SetupError
from commonpool.kube import client as module
from commonpool.kube.client import connect, find_namespace


def write_kubeconfig(folder: Path, **context: str) -> Path:
    kubeconfig = folder / "kubeconfig"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "it", "cluster": {"server": "https://api.example:6443"}}],
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

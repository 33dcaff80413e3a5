import json
from pathlib import Path

import pytest

from commonpool.kube.client import connect


async def find_proxy(folder: Path) -> str | None:
    kubeconfig = folder / "kubeconfig"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "it", "cluster": {"server": "https://api.example:6443"}}],
        "users": [{"name": "it", "user": {"token": "secret"}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "current-context": "it",
    }
    kubeconfig.write_text(json.dumps(config))
    client = await connect(kubeconfig)
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

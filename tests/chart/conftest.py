import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from commonpool.config import read_settings
from commonpool.local.binaries import Binaries
from commonpool.local.places import find_source
from commonpool.local.teller import LogTeller

Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]
Helm = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def chart() -> Path:
    return find_source(read_settings()).chart


@pytest.fixture(scope="session")
def helm() -> Helm:
    """The real helm, as `local` builds it."""
    settings = read_settings()
    program = Binaries(find_source(settings), settings.cache_dir, LogTeller()).find("helm")

    def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, *words], capture_output=True, text=True, check=False, timeout=60)

    return run


@pytest.fixture(scope="session")
def render(helm: Helm, chart: Path) -> Render:
    """The chart's manifests with some values set: `render("operator.replicas=0")`."""

    def run(*settings: str) -> list[Manifest]:
        words = [word for setting in settings for word in ("--set", setting)]
        answer = helm("template", "commonpool", chart, "--namespace", "commonpool-system", *words)
        assert answer.returncode == 0, answer.stderr
        return [manifest for manifest in yaml.safe_load_all(answer.stdout) if manifest]

    return run


@pytest.fixture(scope="session")
def manifests(render: Render) -> list[Manifest]:
    """What the chart installs if nothing is set."""
    return render()

"""kubectl, the real one from this environment, on one cluster."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commonpool.errors import ClusterError


@dataclass(frozen=True, slots=True)
class Kubectl:
    """Runs commands against one kubeconfig; ~/.kube/config is never looked at."""

    kubeconfig: Path

    def run(self, *words: str, folder: Path | None = None) -> str:
        """What it prints; ClusterError with its own words if it fails."""
        program = Path(sys.executable).with_name("kubectl")
        done = subprocess.run(
            [str(program), f"--kubeconfig={self.kubeconfig}", *words], capture_output=True, text=True, check=False, cwd=folder
        )
        if done.returncode:
            raise ClusterError(f"`kubectl {' '.join(words)}` failed: {done.stderr.strip()}")
        return done.stdout

    def items(self, kind: str) -> list[dict[str, Any]]:
        """All objects of a kind in all namespaces."""
        found: list[dict[str, Any]] = json.loads(self.run("get", kind, "-A", "-o", "json"))["items"]
        return found

    def names(self, kind: str) -> set[str]:
        """The names of all objects of a kind."""
        return {item["metadata"]["name"] for item in self.items(kind)}

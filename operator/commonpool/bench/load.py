"""Runs the program that makes the load (`bench/driver`), and says what it cost."""

import json
import resource
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from commonpool.errors import ClusterError


@dataclass(frozen=True, slots=True)
class Order:
    """What it shall make; the fields of `order` in bench/driver/main.go."""

    mode: str
    kubeconfig: Path
    user_kubeconfig: Path
    namespace: str
    gangs: int
    size: int
    workers: int
    nodes: tuple[str, ...]
    per_node: int
    scheduler_name: str = ""
    pods: tuple[Mapping[str, object], ...] = ()
    priority_class: str = ""


class Load:
    """One run of it."""

    def __init__(self, program: Path, order: Order) -> None:
        self._order = order
        self._cpu_before = _children_cpu_ms()
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self._process.stdin is not None:
            json.dump({_camel(key): _plain(value) for key, value in asdict(order).items()}, self._process.stdin)
            self._process.stdin.close()

    def check(self) -> bool:
        """Whether it has made everything; ClusterError if it failed."""
        code = self._process.poll()
        if code:
            words = self._process.stderr.read() if self._process.stderr is not None else ""
            raise ClusterError(f"the benchmark's load could not be made: {words.strip()}")
        return code == 0

    def finish(self, timeout_seconds: float) -> float:
        """Wait for its end; returns the CPU-ms that it took (if no other child of ours ended meanwhile)."""
        try:
            self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired as error:
            raise ClusterError(f"the benchmark's load `{self._order.mode}` was not made within {timeout_seconds:.0f} s") from error
        self.check()
        return _children_cpu_ms() - self._cpu_before

    def close(self) -> None:
        """End it whatever it does."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()


def _children_cpu_ms() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) * 1000


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever JSON can say
    return str(value) if isinstance(value, Path) else value

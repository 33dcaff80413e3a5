"""CPU time and memory of processes, as the kernel counts them (Linux)."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

from commonpool.errors import SetupError

_TICKS = os.sysconf("SC_CLK_TCK")


def read_cpu_ms(pid: int) -> float:
    """CPU time that a process has used since its start, all threads, user and system."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise SetupError(
            f"process {pid} cannot be measured: {error.strerror}", hint="the benchmark needs Linux, and no process may die"
        ) from error
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / _TICKS


def read_start_at(pid: int) -> float:
    """When a process was started, in seconds since 1970, to a hundredth."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + int(fields[19]) / _TICKS


def read_all_cpu_ms(pids: Mapping[str, int]) -> dict[str, float]:
    """The same of several, by name."""
    return {name: read_cpu_ms(pid) for name, pid in pids.items()}


def read_machine_cpu_ms() -> float:
    """CPU time that everything on this machine has used since it started, and that a host of it took away."""
    user, nice, system, _idle, _wait, irq, softirq, steal = Path("/proc/stat").read_text(encoding="ascii").split()[1:9]
    return sum(int(ticks) for ticks in (user, nice, system, irq, softirq, steal)) * 1000 / _TICKS


def read_peak_mib(pid: int) -> int:
    """The most memory that the process has had at once (VmHWM)."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    peak = next((line.split()[1] for line in lines if line.startswith("VmHWM:")), "0")
    return int(peak) >> 10

"""From runs to figures: the JSON that `bench bind` prints, and its table."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from commonpool.bench.audit import Account
from commonpool.bench.bind import Run
from commonpool.bench.setting import Mode, Setting

CEILING_PERCENT = 80
STOCK_TIMES = 2.0
WRITES_PER_POD = 2.05
OWN_CPU_MS_PER_POD = 1.5

Report = dict[str, Any]


def build_report(machine: Mapping[str, object], setting: Setting, runs: Sequence[Run]) -> Report:
    """Every run, the medians of each mode, and what they say to the goals."""
    modes = {mode: [run for run in runs if run.mode is mode] for mode in Mode}
    summary = {str(mode): _summarize([build_run(run) for run in group]) for mode, group in modes.items() if group}
    return {
        "benchmark": "bind",
        "machine": dict(machine),
        "setting": asdict(setting),
        "runs": [build_run(run) for run in runs],
        "summary": summary,
        "goals": find_goals(summary),
    }


def build_run(run: Run) -> Report:
    """One run's figures, by pod."""
    account, wall = run.account, run.wall_seconds
    return {
        "mode": str(run.mode),
        "run": run.number,
        "podsPerSecond": round(run.pods / wall, 1) if wall > 0 else 0.0,
        "wallSeconds": round(wall, 2),
        "podsPerSecondByCpu": _compute_speed_by_cpu(run),
        "cpusBusyWithOtherThings": round(run.others_cpus, 2),
        "cpuMsPerPod": _per_pod(run.cpu_ms, run.pods),
        "cpuMsPerPodAtLastBinding": _per_pod(run.cpu_ms_at_last_binding, run.pods),
        "writesPerPod": round(sum(account.writes.values()) / run.pods, 3),
        "ownWritesPerPod": round(sum(count for what, count in account.writes.items() if what.of_pods) / run.pods, 3),
        "writes": _list_writes(account),
        "writesRefused": account.refused,
        "leaseRenewals": account.leases,
        "createToBoundMs": _percentiles(account.pod_seconds),
        "submitToLastBoundMs": _percentiles(account.gang_seconds),
        "peakMiB": run.peak_mib,
        "problems": list(run.problems),
    }


def _compute_speed_by_cpu(run: Run) -> float:
    """What the machine would do with nothing else to do and no time lost: its processors over the CPU time of a pod."""
    spent = sum(run.cpu_ms.values())
    return round(run.pods * (os.cpu_count() or 1) * 1000 / spent, 1) if spent else 0.0


def find_goals(summary: Mapping[str, Report]) -> list[Report]:
    """The goals and what was measured; those that need a mode that was not run are left out."""
    goals: list[Report] = []
    for mode in (Mode.POOL, Mode.JOBS):
        ours = summary.get(mode)
        if ours is None:
            continue
        own = ours["cpuMsPerPod"].get("operator", 0.0) + ours["cpuMsPerPod"].get("scheduler", 0.0)
        if Mode.CEILING in summary:
            goals.append(_compare(mode, "percent of the ceiling", CEILING_PERCENT, ours, summary[Mode.CEILING], times=100))
        if Mode.STOCK in summary:
            goals.append(_compare(mode, "times stock", STOCK_TIMES, ours, summary[Mode.STOCK]))
        goals.append(_at_most(mode, "API writes a pod of its own", WRITES_PER_POD, ours["ownWritesPerPod"]))
        goals.append(_at_most(mode, "API writes a pod, its gang's included", WRITES_PER_POD, ours["writesPerPod"]))
        goals.append(_at_most(mode, "CPU-ms a pod in operator and scheduler", OWN_CPU_MS_PER_POD, own))
    return goals


def _compare(mode: Mode, what: str, goal: float, ours: Report, other: Report, *, times: int = 1) -> Report:  # noqa: PLR0913 - a goal has these
    """By the clock, which counts, and by CPU time, which other work on the machine disturbs less."""
    by_clock, by_cpu = (times * ours[speed] / other[speed] for speed in ("podsPerSecond", "podsPerSecondByCpu"))
    return {
        "mode": str(mode),
        "what": what,
        "atLeast": goal,
        "measured": round(by_clock, 2),
        "byCpu": round(by_cpu, 2),
        "met": by_clock >= goal,
    }


def _at_most(mode: Mode, what: str, goal: float, measured: float) -> Report:
    return {"mode": str(mode), "what": what, "atMost": goal, "measured": round(measured, 2), "met": measured <= goal}


def _summarize(runs: Sequence[Report]) -> Report:
    """Medians; of what is a table, the medians of its cells."""
    first = runs[0]
    return {
        "podsPerSecond": median(run["podsPerSecond"] for run in runs),
        "podsPerSecondByCpu": median(run["podsPerSecondByCpu"] for run in runs),
        "podsPerSecondOfRuns": [run["podsPerSecond"] for run in runs],
        **{writes: median(run[writes] for run in runs) for writes in ("writesPerPod", "ownWritesPerPod")},
        **{
            table: {cell: round(median(run[table].get(cell, 0) for run in runs), 3) for cell in first[table]}
            for table in ("cpuMsPerPod", "cpuMsPerPodAtLastBinding", "createToBoundMs", "submitToLastBoundMs", "peakMiB")
        },
    }


def _per_pod(cpu_ms: Mapping[str, float], pods: int) -> dict[str, float]:
    return {"all": round(sum(cpu_ms.values()) / pods, 3), **{name: round(value / pods, 3) for name, value in cpu_ms.items()}}


def _percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """Of a sorted sequence, in milliseconds; nearest rank."""
    if not seconds:
        return {}
    return {f"p{rank}": round(1000 * seconds[min(len(seconds) - 1, len(seconds) * rank // 100)], 1) for rank in (50, 99)}


def _list_writes(account: Account) -> list[Report]:
    return [
        {"user": what.user, "verb": what.verb, "resource": what.resource, "count": count}
        for what, count in sorted(account.writes.items(), key=lambda item: (-item[1], item[0].user, item[0].verb, item[0].resource))
    ]


def render_bind(report: Report) -> Iterable[Sequence[str]]:
    """Rows of a table: a mode each, medians."""
    for mode, row in report["summary"].items():
        cpu, latency = row["cpuMsPerPod"], row["createToBoundMs"]
        yield (
            mode,
            f"{row['podsPerSecond']:.0f}",
            " ".join(f"{speed:.0f}" for speed in row["podsPerSecondOfRuns"]),
            f"{row['podsPerSecondByCpu']:.0f}",
            *(f"{cpu[name]:.2f}" if name in cpu else "" for name in CPU_COLUMNS),
            f"{row['writesPerPod']:.3f}",
            f"{row['ownWritesPerPod']:.3f}",
            *(f"{latency[rank]:.0f}" if rank in latency else "" for rank in ("p50", "p99")),
        )


CPU_COLUMNS = ("all", "apiserver", "etcd", "scheduler", "operator", "controller-manager", "driver")
HEADER = ("MODE", "PODS/S", "RUNS", "BY-CPU", *(f"CPU-MS:{name.upper()}" for name in CPU_COLUMNS), "WRITES/POD", "OWN", "P50-MS", "P99-MS")

"""What is owed a place and cannot take it yet: children to create, to unsuspend, to scale.

Pure and level-triggered: from the runs and what they are owed, the writes that are still
missing; nothing once they are done. A Job that its owner suspended is never touched.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from commonpool.errors import UserError
from commonpool.kube.children import build_children, build_scale_patch
from commonpool.kube.read.elastic import count_ranks, find_sizes
from commonpool.kube.read.needs import count_wanted
from commonpool.kube.read.runs import Run
from commonpool.kube.resources import DEPLOYMENTS, JOBS
from commonpool.kube.writes import Manifest, Verb, Write
from commonpool.model.ids import PoolName
from commonpool.model.names import HELD_ANNOTATION
from commonpool.model.snapshot import Pool


@dataclass(frozen=True, slots=True)
class Release:
    """What lets one workload's pods come, in order."""

    run: Run
    writes: tuple[Write, ...] = ()
    refusal: str = ""
    """Why nothing can be written."""


def plan_releases(runs: Iterable[Run], pools: Mapping[PoolName, Pool]) -> list[Release]:
    """Every release that is due, by workload."""
    due = (_plan_release(run, pools) for run in runs if run.alive)
    return sorted((release for release in due if release is not None), key=lambda release: release.run.name)


def _plan_release(run: Run, pools: Mapping[PoolName, Pool]) -> Release | None:
    if not run.native or run.queued:
        return _unsuspend(run) if run.promises else None
    if run.made is None:
        return _create(run, pools) if run.promises else None
    if run.made.terminating:
        return None
    return _scale(run) if run.child.kind == "Deployment" else _grow(run)


def _create(run: Run, pools: Mapping[PoolName, Pool]) -> Release | None:
    pool = pools.get(run.promises[0].line.pool)
    if pool is None or run.own is None or run.own.parsed is None:
        return None
    try:
        children = build_children(run.own.parsed, pool, count_ranks(run) if find_sizes(run) else count_wanted(run))
    except UserError as error:
        return Release(run, refusal=error.message)
    return Release(run, tuple(Write(Verb.CREATE, manifest) for manifest in children))


def _unsuspend(run: Run) -> Release | None:
    """One patch; the mark goes with it, so that a suspension that comes later is its owner's."""
    made = run.made
    if made is None or made.key.kind != "Job" or not made.suspended or not made.held:
        return None
    metadata = {"name": made.key.name, "namespace": made.key.namespace, "uid": made.uid, "annotations": {HELD_ANNOTATION: None}}
    size = build_scale_patch("Job", count_ranks(run))["spec"] if find_sizes(run) else {}
    patch = {"apiVersion": JOBS.api_version, "kind": JOBS.kind, "metadata": metadata, "spec": {"suspend": False, **size}}
    return Release(run, (Write(Verb.PATCH, patch),))


def _grow(run: Run) -> Release | None:
    """An elastic Job gets the ranks that have places beyond those that it has."""
    made = run.made
    if made is None or made.suspended or find_sizes(run) is None or (size := count_ranks(run)) == made.replicas:
        return None
    metadata = {"name": made.key.name, "namespace": made.key.namespace, "uid": made.uid}
    patch = build_scale_patch("Job", size)
    return Release(run, (Write(Verb.PATCH, {"apiVersion": JOBS.api_version, "kind": JOBS.kind, "metadata": metadata, **patch}),))


def _scale(run: Run) -> Release | None:
    """A service has as many pods as it wants; those without a place are held by the scheduler and get theirs by name."""
    made, wanted = run.made, count_wanted(run)
    if made is None or made.replicas == wanted:
        return None
    patch: Manifest = build_scale_patch(made.key.kind, wanted)
    metadata = {"name": made.key.name, "namespace": made.key.namespace, "uid": made.uid}
    manifest = {"apiVersion": DEPLOYMENTS.api_version, "kind": DEPLOYMENTS.kind, "metadata": metadata, **patch}
    return Release(run, (Write(Verb.PATCH, manifest),))

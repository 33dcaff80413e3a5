"""What is owed a place and cannot take it yet: children to create, to unsuspend, to scale.

Pure and level-triggered: from the runs and what they are owed, the writes that are still
missing; nothing once they are done. A Job that its owner suspended is never touched.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from commonpool.errors import UserError
from commonpool.kube.children import build_children, build_scale_patch
from commonpool.kube.facts import PodView
from commonpool.kube.read.elastic import count_ranks, find_sizes
from commonpool.kube.read.needs import count_wanted
from commonpool.kube.read.runs import Run
from commonpool.kube.resources import JOBS
from commonpool.kube.serving import NOTHING_DUE, Ground, plan_serving
from commonpool.kube.writes import Verb, Write
from commonpool.model.names import HELD_ANNOTATION


@dataclass(frozen=True, slots=True)
class Release:
    """What lets one workload's pods come, in order."""

    run: Run
    writes: tuple[Write, ...] = ()
    refusal: str = ""
    """Why what is missing cannot be written."""
    pods: tuple[PodView, ...] = ()
    """To be deleted afterwards: of a service, so that others can come in their stead."""


def plan_releases(runs: Iterable[Run], ground: Ground) -> list[Release]:
    """Every release that is due, by workload."""
    due = (_plan_release(run, ground) for run in runs if run.alive)
    return sorted((release for release in due if release is not None), key=lambda release: release.run.name)


def _plan_release(run: Run, ground: Ground) -> Release | None:
    if not run.native or run.queued:
        return _unsuspend(run) if run.promises else None
    if run.made is None:
        return _create(run, ground) if run.promises else None
    if run.made.terminating:
        return None
    if run.child.kind != "Deployment":
        return _grow(run)
    serving = plan_serving(run, run.made, ground)
    return Release(run, serving.writes, serving.refusal, serving.pods) if serving != NOTHING_DUE else None


def _create(run: Run, ground: Ground) -> Release | None:
    pool = ground.pools.get(run.promises[0].line.pool)
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

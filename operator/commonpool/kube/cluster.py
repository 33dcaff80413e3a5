"""The live cluster as the cycle sees it: facts in, decisions out.

The order in which a plan becomes true: promises that mean nothing any more go, the Round is
written, what it names is released, it is told, and then places are taken back. Whatever fails is tried again by the
next round, because that starts from what is, not from what was meant.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace

from commonpool.errors import BugError, ClusterError
from commonpool.kube.children import is_child
from commonpool.kube.client import Client, decode_plain
from commonpool.kube.due import find_next_due
from commonpool.kube.errors import AlreadyExists, Invalid
from commonpool.kube.mirror import Mirror
from commonpool.kube.promises import Promises
from commonpool.kube.provider import ScaleSubresource
from commonpool.kube.read import World, read_world
from commonpool.kube.read.bounds import DEFAULT_BOUNDS, Bounds
from commonpool.kube.read.stalls import START_SECONDS, has_unbound
from commonpool.kube.read.world import Past, read_runs
from commonpool.kube.release import Release, plan_releases
from commonpool.kube.resources import PODS, get_resource, read_key
from commonpool.kube.scaling import Scaler
from commonpool.kube.serving import Ground, find_waits
from commonpool.kube.setbacks import Setbacks
from commonpool.kube.takeback import Takeback
from commonpool.kube.telling import Problems, Telling
from commonpool.kube.upkeep import Upkeep
from commonpool.kube.writer import Failure, Writer, attempt_all
from commonpool.kube.writes import Write
from commonpool.model.ledger import find_stale_lines
from commonpool.model.names import SYSTEM_NAMESPACE
from commonpool.model.plan import Plan
from commonpool.model.rounds import Line, build_line
from commonpool.model.snapshot import Snapshot

LOGGER = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 60


class LiveCluster:
    """`cycle.Cluster` on a real API; `epoch` must be set by whoever leads before the first reading.

    `reserved`: namespaces that no tenant may have; `home`: the operator's own; `uncounted`: extended resources that the
    scheduler lets pods have without a promise, as its own configuration says; `start_seconds`: so long
    a promise stands that no pod can take; `bounds`: the most that a tenant may let others wait.
    """

    def __init__(  # noqa: PLR0913 one argument a fact of the installation
        self,
        client: Client,
        mirror: Mirror,
        clock: Callable[[], int],
        reserved: frozenset[str] = frozenset(),
        home: str = SYSTEM_NAMESPACE,
        uncounted: frozenset[str] = frozenset(),
        start_seconds: int = START_SECONDS,
        bounds: Bounds = DEFAULT_BOUNDS,
    ) -> None:
        self.mirror = mirror
        self.epoch = 0
        self.failures: tuple[Failure, ...] = ()
        """What the last round could not do: the reason to plan again soon, although nothing has changed."""
        self.next_due_at: int | None = None
        """When the next round is due although nothing changes; None: nothing waits for an instant."""
        self._client = client
        self._clock = clock
        self._uncounted = uncounted
        self._writer = Writer(client, mirror)
        self._promises = Promises(client, mirror)
        self._telling = Telling(client, mirror, self._writer)
        self._takeback = Takeback(client, mirror, self._writer, self._promises)
        self._scaler = Scaler(client, mirror, ScaleSubresource(client))
        self._upkeep = Upkeep(client, mirror, self._writer, reserved, home)
        self._start_seconds = start_seconds
        self._bounds = bounds
        self._refusals = Setbacks(FIRST_PAUSE_SECONDS)
        self._stalls = Setbacks(max(1, start_seconds))
        self._world: World | None = None

    def read(self) -> Snapshot:
        """Freeze what the mirror knows."""
        now_at = self._clock()
        past = self._recall(now_at)
        world = read_world(self.mirror, now_at=now_at, epoch=self.epoch, past=past, uncounted=self._uncounted, bounds=self._bounds)
        self._world = world
        runs = {run.child: run for run in world.runs}
        for child in world.stalls.keys() - past.stalls.keys():
            self._stalls.note(runs[child], world.stalls[child], now_at)
        if self._stalls:
            self._stalls.retain({child for child, run in runs.items() if has_unbound(run)})
        return world.snapshot

    async def apply(self, snapshot: Snapshot, plan: Plan) -> None:
        """Make the plan true as far as it can be now; `failures` says what could not be done."""
        world = self._world
        if world is None or world.snapshot is not snapshot:
            raise BugError("a plan is applied to the snapshot that was read last, and to no other")
        refusals = self._recall(snapshot.now_at).refusals
        failures = await self._promises.clear(world.standing)
        if not failures:  # a void entry that still stands could mean something again, when its slot has been given away
            failures += await self._promise(world, plan)
        promised = self._find_promised(plan)
        written = replace(plan, place=tuple(place for place in plan.place if build_line(place) in promised))
        failures += await self._release(world, plan)
        asked, unscaled = await self._scaler.scale(world, plan)
        failures += unscaled
        failures += await self._upkeep.track(world)
        failures += await self._upkeep.taint(world)
        failures += await self._upkeep.settle_tenants(snapshot.now_at)
        problems = Problems(self._upkeep.problems, self._scaler.problems)
        failures += await self._telling.tell(world, replace(written, scale=asked), problems)
        failures += await self._takeback.take_back(world, plan)
        refused = self._recall(snapshot.now_at).refusals != refusals  # to be told, and its places are for others
        due = snapshot.now_at if refused else find_next_due(world, self.mirror, plan)
        pauses = (each.find_next_due(snapshot.now_at) for each in (self._refusals, self._stalls, self._upkeep))
        self.next_due_at = min((at for at in (due, self._telling.next_due_at, *pauses) if at is not None), default=None)
        self._report(failures)

    async def _promise(self, world: World, plan: Plan) -> list[Failure]:
        """Write what earlier leaders still owe, and what this plan promises."""
        lines = [*find_stale_lines(world.standing, self.epoch), *(build_line(place) for place in plan.place)]
        if not lines:
            return []
        return await self._promises.write(self.epoch, plan.number, sorted(lines, key=lambda line: line.child))

    def _find_promised(self, plan: Plan) -> set[Line]:
        """What of the plan stands in Rounds now."""
        ours = (each.round for each in self.mirror.rounds if each.round.id.number == plan.number and each.round.id.epoch == self.epoch)
        return {line for round_ in ours for line in round_.lines}

    async def _release(self, world: World, plan: Plan) -> list[Failure]:
        """Let the pods come that have a place; anew from what is owed, because Rounds have just been written."""
        now_at = world.snapshot.now_at
        runs = read_runs(self.mirror, world, self._recall(now_at))
        ground = Ground(world.fleet.pools, world.fleet.vacated, find_waits(world.runs, plan), now_at)
        releases = plan_releases(runs, ground)
        return await attempt_all((f"{each.run.child.kind} {each.run.child.path}", self._do_release(each, now_at)) for each in releases)

    async def _do_release(self, release: Release, now_at: int) -> None:
        if release.refusal:
            self._refusals.note(release.run, release.refusal, now_at)
        try:
            for write in release.writes:
                await self._make(release, write)
            for pod in release.pods:
                await self._client.delete(PODS, pod.namespace, pod.name, uid=pod.uid)
        except Invalid as error:
            self._refusals.note(release.run, error.message, now_at)
            raise
        if not release.refusal:
            self._refusals.forget(release.run.child)

    async def _make(self, release: Release, write: Write) -> None:
        try:
            await self._writer.perform(write)
        except AlreadyExists as error:
            resource = get_resource(write.manifest["apiVersion"], write.manifest["kind"])
            body = await self._client.get(resource, *read_key(write.manifest))
            workload = release.run.own.parsed if release.run.own is not None else None
            if workload is None or not is_child(decode_plain(body), workload):
                name = write.manifest["metadata"]["name"]
                raise Invalid(f"a {resource.kind} `{name}` that is not its own exists already: delete or rename it") from error
            self.mirror.learn(resource, body)

    def _recall(self, now_at: int) -> Past:
        """What of earlier setbacks still counts."""
        if not self._refusals and not self._stalls:
            return Past(start_seconds=self._start_seconds)
        generations = {(own.key[0], own.key[1]): own.generation for own in self.mirror.workloads}
        return Past(self._refusals.find(now_at, generations), self._stalls.find(now_at, generations), self._start_seconds)

    def _report(self, failures: Iterable[Failure]) -> None:
        """Log what fails now and did not fail like that before."""
        before = {(failure.subject, str(failure.error)) for failure in self.failures}
        self.failures = tuple(failures)
        for failure in self.failures:
            if (failure.subject, str(failure.error)) not in before:
                level = logging.WARNING if isinstance(failure.error, ClusterError) else logging.ERROR
                LOGGER.log(level, "%s: %s", failure.subject, failure.error)

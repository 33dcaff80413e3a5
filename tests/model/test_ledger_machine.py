"""Operator, scheduler, controllers and accidents in any order, and a crash after any write: no promise is lost or counted twice."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.model.plugin import send_pods

from commonpool.model.amounts import Amounts
from commonpool.model.ids import ANY_SEAT, ChildKey, NodeName, PoolName, Seat, TenantName
from commonpool.model.ledger import PodFact, Standing, find_stale_lines, settle_rounds
from commonpool.model.plan import Entry
from commonpool.model.rounds import Line, Round, RoundId, split_parts

GANG = ChildKey("Job", "vision-dev", "pretrain")
WEB = ChildKey("Deployment", "vision-dev", "web")
WANTED = (GANG, WEB)
NODES = [NodeName(f"n{number}") for number in range(3)]
SLOTS = 3
SHAPE = Amounts(1000, 1000, 1000, 1)


class LedgerMachine(RuleBasedStateMachine):
    """The apiserver's objects, and everybody who writes them. Nobody remembers anything."""

    def __init__(self) -> None:
        super().__init__()
        self.rounds: dict[RoundId, Round] = {}
        self.pods: list[PodFact] = []
        self.cordoned: set[NodeName] = set()
        self.begun: set[ChildKey] = set()
        self.wanted = {GANG: 4, WEB: 1}
        self.done: set[int] = set()
        self.epoch = 1
        self.number = 0
        self.made = 0
        self.given_up: dict[ChildKey, int] = {}

    # the operator

    def settle(self) -> Standing:
        usable = set(NODES) - self.cordoned
        return settle_rounds(self.rounds.values(), self.pods, self.alive, usable, self.wanted, self.given_up)

    @property
    def alive(self) -> set[ChildKey]:
        return {WEB} if len(self.done) == self.wanted[GANG] else {GANG, WEB}

    @rule(crash_after=st.integers(0, 12))
    def operate(self, crash_after: int) -> None:
        """One loop, as far as it comes: clear, then promise; each step is one write."""
        for _, _ in zip(range(crash_after), self.writes(), strict=False):
            pass

    def writes(self) -> Iterator[None]:
        standing = self.settle()
        for each in standing.spent:
            del self.rounds[each.id]
            yield
        for each in standing.cut:
            self.rounds[each.id] = each
            yield
        lines = sorted([*find_stale_lines(standing, self.epoch), *self.plan(standing)], key=lambda line: line.child)
        self.number += 1
        for part, some in enumerate(split_parts(lines, most_lines=1)):
            written = Round(RoundId(self.epoch, self.number, part), some, self.number)
            self.rounds[written.id] = written
            yield
        self.begun |= {promise.line.child for promise in self.settle().promises}

    def plan(self, standing: Standing) -> list[Line]:
        free = Counter({node: SLOTS for node in NODES if node not in self.cordoned})
        free.subtract(Counter(pod.node for pod in self.pods if pod.node and not pod.finished))
        free.subtract(Counter(promise.entry.node for promise in standing.promises))
        lines = []
        for child in (GANG, WEB):
            needs = self.find_needs(child, standing)
            slots = [node for node in NODES for _ in range(max(0, free[node]))]
            has = self.live(child) or any(promise.line.child == child for promise in standing.promises)
            if not needs or (child == GANG and not has and len(slots) < len(needs)):
                continue
            entries = [Entry(seat, node) for seat, node in zip(needs, slots, strict=False)]
            free.subtract(Counter(entry.node for entry in entries))
            for named in (True, False):
                alike = tuple(entry for entry in entries if bool(entry.seat.pod) == named)
                if alike:
                    lines.append(Line(child, TenantName("vision"), PoolName("h100"), "nvidia.com/gpu", SHAPE, alike, "Shared"))
        return lines

    def find_needs(self, child: ChildKey, standing: Standing) -> list[Seat]:
        """Pods that wait for a place by name, then those that will come."""
        seats = [promise.entry.seat for promise in standing.promises if promise.line.child == child]
        waiting = [pod for pod in self.pods if pod.child == child and pod.node is None]
        unnamed = seats.count(ANY_SEAT)
        needs: list[Seat] = []
        for pod in waiting:
            if Seat(pod=pod.name) in seats or (child == GANG and Seat(rank=pod.rank) in seats):
                continue
            if child == WEB and unnamed:
                unnamed -= 1
                continue
            needs.append(Seat(pod=pod.name))
        if child == GANG:
            there = self.done | {pod.rank for pod in [*waiting, *self.live(child)]}
            return needs + [Seat(rank=rank) for rank in range(self.wanted[GANG]) if rank not in there and Seat(rank=rank) not in seats]
        missing = self.wanted[WEB] - len(self.live(WEB)) - len([seat for seat in seats if seat == ANY_SEAT]) - len(needs)
        missing -= len([seat for seat in seats if seat.pod])
        return (needs + [ANY_SEAT] * missing)[: max(0, missing + len(needs))]

    def live(self, child: ChildKey) -> list[PodFact]:
        return [pod for pod in self.pods if pod.child == child and pod.node is not None and not pod.finished]

    @rule()
    def change_leader(self) -> None:
        self.epoch += 1

    @rule(child=st.sampled_from(WANTED))
    def give_up(self, child: ChildKey) -> None:
        """Promises to it have been overdue for long: what is promised from now on is not."""
        self.given_up[child] = self.number

    # the scheduler

    @precondition(lambda self: self.rounds)
    @rule(pick=st.integers(0, 6))
    def bind(self, pick: int) -> None:
        """No check of the node: whether there is room is the ledger's word alone."""
        sent = send_pods(self.rounds.values(), self.pods)
        ready = [(name, node) for name, node in sorted(sent.items()) if node not in self.cordoned]
        if ready:
            name, node = ready[pick % len(ready)]
            self.pods = [replace(pod, node=node) if pod.name == name else pod for pod in self.pods]

    # the controllers

    @rule()
    def make_pods(self) -> None:
        for child in sorted(self.begun):
            active = [pod for pod in self.pods if pod.child == child and not pod.finished]
            if child == GANG:
                ranks = [rank for rank in range(self.wanted[GANG]) if rank not in self.done | {pod.rank for pod in active}]
            else:
                ranks = [-1] * (self.wanted[WEB] - len(active))
            for rank in ranks:
                self.made += 1
                self.pods.append(PodFact(f"pod-{self.made}", child, rank, None))

    @rule(wanted=st.integers(0, 3))
    def scale(self, wanted: int) -> None:
        """A Deployment becomes smaller or larger; pods that wait go first."""
        self.wanted[WEB] = wanted
        web = [pod for pod in self.pods if pod.child == WEB and not pod.finished]
        web.sort(key=lambda pod: pod.node is not None)
        for pod in web[: max(0, len(web) - wanted)]:
            self.pods.remove(pod)

    # accidents

    @precondition(lambda self: self.pods)
    @rule(pick=st.integers(0, 8))
    def delete_pod(self, pick: int) -> None:
        del self.pods[pick % len(self.pods)]

    @precondition(lambda self: any(pod.node for pod in self.pods))
    @rule(pick=st.integers(0, 8), succeeded=st.booleans())
    def finish_pod(self, pick: int, succeeded: bool) -> None:  # noqa: FBT001 drawn
        bound = [pod for pod in self.pods if pod.node is not None]
        self.finish(bound[pick % len(bound)], succeeded=succeeded)

    def finish(self, pod: PodFact, *, succeeded: bool) -> None:
        if not pod.finished:
            self.pods[self.pods.index(pod)] = replace(pod, finished=True)
            self.done |= {pod.rank} if succeeded and pod.child == GANG else set()

    @rule(node=st.sampled_from(NODES))
    def cordon(self, node: NodeName) -> None:
        self.cordoned.symmetric_difference_update({node})

    # what holds at every moment

    @invariant()
    def no_node_is_promised_beyond_what_it_has(self) -> None:
        taken = Counter(pod.node for pod in self.pods if pod.node and not pod.finished)
        taken.update(promise.entry.node for promise in self.settle().promises)
        assert all(count <= SLOTS for count in taken.values()), taken

    @invariant()
    def nothing_is_promised_twice(self) -> None:
        standing = self.settle()
        for child in WANTED:
            owed = [promise.entry.seat for promise in standing.promises if promise.line.child == child]
            live = self.live(child)
            finished = sum(1 for pod in self.pods if pod.child == child and pod.finished)  # hold theirs until the Round goes
            assert child == GANG or len(live) + len(owed) <= max(self.wanted[child], len(live)) + finished
            ranks = {pod.name: pod.rank for pod in self.pods}
            owed_ranks = [seat.rank if not seat.pod else ranks[seat.pod] for seat in owed]
            owed_ranks += [pod.rank for pod in live]
            assert child == WEB or max(Counter(owed_ranks).values(), default=0) <= 1

    @invariant()
    def clearing_loses_no_promise_and_leaves_nothing_to_clear(self) -> None:
        standing = self.settle()
        usable = set(NODES) - self.cordoned
        cleared = settle_rounds(standing.kept, self.pods, self.alive, usable, self.wanted, self.given_up)
        assert not cleared.spent
        assert not cleared.cut
        before = Counter((promise.line.child, promise.entry) for promise in standing.promises)
        after = Counter((promise.line.child, promise.entry) for promise in cleared.promises)
        held = Counter((line.child, entry) for each in standing.spent for line in each.lines for entry in line.entries)
        assert not after - before
        assert not before - after - held

    @invariant()
    def the_scheduler_acts_on_promises_only(self) -> None:
        standing = self.settle()
        if standing.spent or standing.cut or any(each.id.epoch != self.epoch for each in self.rounds.values()) or not self.rounds:
            return
        promised = Counter((promise.line.child, promise.entry.node) for promise in standing.promises)
        children = {pod.name: pod.child for pod in self.pods}
        sent = Counter((children[name], node) for name, node in send_pods(self.rounds.values(), self.pods).items())
        assert not sent - promised

    def teardown(self) -> None:
        """When accidents end, all that is wanted runs; when the job is done, no Round is left."""
        self.cordoned = set()
        self.settle_down()
        for child in WANTED:
            missing = self.wanted[child] - len(self.live(child)) - (len(self.done) if child == GANG else 0)
            assert missing == 0, (child, self.pods, self.rounds)
        for pod in self.live(GANG):
            self.finish(pod, succeeded=True)
        self.settle_down()
        assert not self.rounds

    def settle_down(self) -> None:
        for _ in range(12):
            for _ in self.writes():
                pass
            self.make_pods()
            for _ in range(8):
                if self.rounds:
                    self.bind(0)


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)

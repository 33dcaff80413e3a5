from commonpool.model.amounts import Amounts
from commonpool.model.ids import ChildKey, NodeName, PoolName, Seat, TenantName
from commonpool.model.ledger import PodFact, Standing, find_stale_lines, settle_rounds
from commonpool.model.plan import Entry
from commonpool.model.rounds import Line, Round, RoundId, parse_entries

GANG = ChildKey("Job", "vision-dev", "pretrain")
WEB = ChildKey("Deployment", "vision-dev", "web")
NODES = frozenset(NodeName(name) for name in "abc")
SHAPE = Amounts(8000, 8000, 1, 1)


def make_line(child: ChildKey, nodes: str, ranks: str = "", pods: str = "") -> Line:
    placed = parse_entries(nodes, ranks, pods)
    return Line(child, TenantName("vision"), PoolName("h100"), "nvidia.com/gpu", SHAPE, placed, "Shared")


def make_round(number: int, *lines: Line, epoch: int = 1, made_at: int = 0) -> Round:
    return Round(RoundId(epoch, number, 0), lines, made_at)


def make_pod(name: str, child: ChildKey = GANG, *, rank: int = -1, node: str | None = None, finished: bool = False) -> PodFact:
    return PodFact(name, child, rank, NodeName(node) if node else None, finished)


def settle(*rounds: Round, pods: tuple[PodFact, ...] = (), usable: frozenset[NodeName] = NODES, wanted: int | None = None) -> Standing:
    return settle_rounds(rounds, pods, {GANG, WEB}, usable, None if wanted is None else {GANG: wanted, WEB: wanted})


def owed(standing: Standing) -> list[Entry]:
    return [promise.entry for promise in standing.promises]


def test_all_that_no_pod_has_taken_is_owed() -> None:
    first = make_round(1, make_line(GANG, "a*1 b*1", "0-1"))
    standing = settle(first, pods=(make_pod("p0", rank=0),))
    assert owed(standing) == list(first.lines[0].entries)
    assert standing.kept == (first,)
    assert standing.spent == standing.cut == ()


def test_a_bound_pod_uses_the_entry_of_its_rank_wherever_it_is() -> None:
    first = make_round(1, make_line(GANG, "a*1 b*1", "0-1"))
    assert owed(settle(first, pods=(make_pod("p0", rank=0, node="c"),))) == [Entry(Seat(rank=1), NodeName("b"))]


def test_a_round_that_owes_nothing_is_spent() -> None:
    first = make_round(1, make_line(GANG, "a*1", "0"))
    assert settle(first, pods=(make_pod("p0", rank=0, node="a"),)).spent == (first,)


def test_a_gang_that_has_not_begun_loses_all_with_one_node_also_over_two_lines() -> None:
    first = make_round(1, make_line(GANG, "a*1", pods="p0"), make_line(GANG, "b*1 c*1", "1-2"))
    standing = settle(first, pods=(make_pod("p0", rank=0),), usable=NODES - {NodeName("c")})
    assert standing.promises == ()
    assert standing.spent == (first,)


def test_a_gang_that_has_begun_loses_only_what_was_there() -> None:
    first = make_round(1, make_line(GANG, "a*1 b*1 c*1", "0-2"))
    standing = settle(first, pods=(make_pod("p0", rank=0, node="a"),), usable=NODES - {NodeName("c")})
    assert owed(standing) == [Entry(Seat(rank=1), NodeName("b"))]
    assert standing.cut == standing.kept == (make_round(1, make_line(GANG, "a*1 b*1", "0-1")),)


def test_a_named_pod_that_is_gone_gives_its_place_back() -> None:
    first = make_round(1, make_line(WEB, "a*2", pods="x y"))
    standing = settle(first, pods=(make_pod("x", WEB, node="a"),))
    assert standing.promises == ()
    assert standing.spent == (first,)


def test_the_newest_round_counts_for_a_rank() -> None:
    standing = settle(make_round(1, make_line(GANG, "a*1", "0")), make_round(2, make_line(GANG, "b*1", "0")))
    assert owed(standing) == [Entry(Seat(rank=0), NodeName("b"))]
    assert [each.id.number for each in standing.spent] == [1]


def test_a_pod_that_is_named_needs_the_place_of_its_rank_no_more() -> None:
    rounds = (make_round(1, make_line(GANG, "a*2", "0-1")), make_round(2, make_line(GANG, "b*1", pods="again")))
    standing = settle(*rounds, pods=(make_pod("again", rank=0),))
    assert [entry.node for entry in owed(standing)] == ["a", "b"]
    assert standing.cut == (make_round(1, make_line(GANG, "a*1", "1")),)


def test_a_finished_pods_entry_of_its_rank_is_cut_so_that_nobody_takes_it_again() -> None:
    first = make_round(1, make_line(GANG, "a*2", "0-1"))
    standing = settle(first, pods=(make_pod("p0", rank=0, node="a", finished=True),))
    assert owed(standing) == [Entry(Seat(rank=1), NodeName("a"))]
    assert standing.cut == (make_round(1, make_line(GANG, "a*1", "1")),)


def test_a_round_stays_while_its_pods_could_be_taken_for_those_of_another() -> None:
    """Both rounds have a place on the same node for any pod; which of them a pod took is not written anywhere."""
    rounds = (make_round(1, make_line(WEB, "a*1")), make_round(2, make_line(WEB, "a*1")))
    standing = settle(*rounds, pods=(make_pod("x", WEB, node="a"),))
    assert len(owed(standing)) == 1
    assert standing.kept == rounds


def test_a_workload_that_became_smaller_gives_the_newest_places_back() -> None:
    rounds = (make_round(1, make_line(WEB, "a*2")), make_round(2, make_line(WEB, "b*2")))
    standing = settle(*rounds, pods=(make_pod("x", WEB, node="a"),), wanted=3)
    assert [entry.node for entry in owed(standing)] == ["a", "b"]
    assert standing.cut == (make_round(2, make_line(WEB, "b*1")),)


def test_a_new_leader_writes_anew_all_lines_of_a_key_that_is_owed_something() -> None:
    first = make_round(1, make_line(GANG, "a*1 b*1", "0-1"), make_line(WEB, "c*1"))
    pods = (make_pod("p0", rank=0, node="a"), make_pod("x", WEB, node="c"))
    standing = settle(first, pods=pods)
    stale = find_stale_lines(standing, 2)
    assert stale == (make_line(GANG, "a*1 b*1", "0-1"),)
    assert find_stale_lines(standing, 1) == ()
    renewed = settle(first, make_round(2, *stale, epoch=2), pods=pods)
    assert owed(renewed) == owed(standing)
    assert renewed.spent == (first,)


def test_the_dead_are_owed_nothing() -> None:
    first = make_round(1, make_line(GANG, "a*1", "0"))
    assert settle_rounds([first], [], frozenset(), NODES).spent == (first,)


def test_a_finished_pod_that_had_a_place_by_name_is_not_taken_for_one_that_has_taken_any() -> None:
    rounds = (make_round(1, make_line(WEB, "a*1")), make_round(2, make_line(WEB, "a*1", pods="w1")))
    standing = settle(*rounds, pods=(make_pod("w1", WEB, node="a", finished=True),))
    assert owed(standing) == list(rounds[0].lines[0].entries)
    assert (standing.kept, standing.spent, standing.cut) == (rounds, (), ())


def test_what_was_promised_long_ago_and_nobody_took_is_void_where_it_was_given_up() -> None:
    first, second = make_round(1, make_line(GANG, "a*1 b*1", "0-1"), made_at=100), make_round(2, make_line(WEB, "c*2"), made_at=200)
    rounds = (first, second)
    taken = (make_pod("p0", rank=0, node="a"),)
    given_up = {GANG: 150, WEB: 150}
    standing = settle_rounds(rounds, taken, {GANG, WEB}, NODES, given_up=given_up)
    assert owed(standing) == list(second.lines[0].entries)
    assert (standing.spent, standing.kept) == ((first,), (second,))
    assert settle_rounds(rounds, taken, {GANG, WEB}, NODES, given_up={GANG: 99}).kept == rounds

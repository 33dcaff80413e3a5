"""One tenant's flood does not keep another waiting."""

from commonpool.kube.errors import Invalid, Unavailable
from commonpool.kube.turns import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, Pauses, take_turns
from commonpool.kube.writer import Failure


def first_letter(item: str) -> str:
    return item[0]


def test_a_small_tenant_has_its_turn_beside_a_flood() -> None:
    flood = [f"a{number}" for number in range(1000)]
    assert take_turns([*flood, "b0", "b1"], first_letter, 5) == ["a0", "b0", "a1", "b1", "a2"]


def test_nothing_is_left_out_when_there_is_room_for_all() -> None:
    assert sorted(take_turns(["b0", "a0", "a1"], first_letter, 9)) == ["a0", "a1", "b0"]


def test_a_namespace_that_refuses_is_left_alone_longer_and_longer_and_told_once() -> None:
    pauses = Pauses()
    refusals = [Failure(f"GPUWorkload dev/{number}", Invalid("exceeded quota")) for number in range(60)]
    now_at = 1000
    for expected in (FIRST_PAUSE_SECONDS, 2 * FIRST_PAUSE_SECONDS, 4 * FIRST_PAUSE_SECONDS):
        [told] = pauses.note("dev", refusals, now_at)
        assert told.subject == "namespace dev"
        assert pauses.rests("dev", now_at + expected - 1)
        assert not pauses.rests("dev", now_at + expected)
        assert not pauses.rests("prod", now_at)
        assert pauses.find_next_due(now_at) == now_at + expected
        now_at += expected
    assert pauses.find_next_due(now_at) is None
    for _ in range(9):
        pauses.note("dev", refusals, now_at)
    assert not pauses.rests("dev", now_at + LONGEST_PAUSE_SECONDS)
    pauses.note("dev", [], now_at)
    assert not pauses.rests("dev", now_at)


def test_a_cluster_that_does_not_answer_is_no_refusal() -> None:
    pauses = Pauses()
    outage = [Failure("GPUWorkload dev/a", Unavailable("no answer"))]
    assert pauses.note("dev", outage, 1000) == outage
    assert not pauses.rests("dev", 1000)

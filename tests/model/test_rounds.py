import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonpool.model.amounts import Amounts
from commonpool.model.ids import ANY_SEAT, ChildKey, NodeName, PoolName, Seat, TenantName
from commonpool.model.plan import Entry
from commonpool.model.rounds import (
    MOST_PODS,
    Line,
    RoundId,
    parse_entries,
    parse_request,
    render_nodes,
    render_pods,
    render_request,
    render_seats,
    split_parts,
)

NODES = st.sampled_from([NodeName(name) for name in ("gpu-0001", "gpu-0002", "a.b.c", "n")])
GPU = "nvidia.com/gpu"


def seats(count: int) -> st.SearchStrategy[list[Seat]]:
    ranked = st.lists(st.integers(0, 40), min_size=count, max_size=count, unique=True).map(
        lambda ranks: [Seat(rank=rank) for rank in ranks]
    )
    named = st.just([Seat(pod=f"web-7d4b-{number}") for number in range(count)])
    return st.one_of(ranked, named, st.just([ANY_SEAT] * count))


@st.composite
def entries(draw: st.DrawFn) -> tuple[Entry, ...]:
    nodes = draw(st.lists(NODES, min_size=1, max_size=12))
    return tuple(Entry(seat, node) for seat, node in zip(draw(seats(len(nodes))), nodes, strict=True))


@given(entries())
def test_entries_come_back_from_their_text_as_they_were(written: tuple[Entry, ...]) -> None:
    assert parse_entries(render_nodes(written), render_seats(written), render_pods(written)) == written


@given(st.text(alphabet="abn01-9* ", max_size=12), st.text(alphabet="0123-9 ", max_size=8), st.text(alphabet="ab ", max_size=4))
def test_any_text_is_read_or_refused_as_a_value_error(nodes: str, ranks: str, pods: str) -> None:
    try:
        read = parse_entries(nodes, ranks, pods)
    except ValueError:
        return
    assert read == parse_entries(render_nodes(read), render_seats(read), render_pods(read))


def test_ranks_are_written_as_spans_in_the_order_of_nodes() -> None:
    written = [Entry(Seat(rank=rank), NodeName("a" if rank < 8 else "b")) for rank in (3, 7, 8, 9)]
    assert (render_nodes(written), render_seats(written), render_pods(written)) == ("a*2 b*2", "3 7-9", "")


@pytest.mark.parametrize(
    ("nodes", "ranks", "pods", "message"),
    [
        ("", "", "", "no node is named"),
        ("a", "", "", "`a` is not `node\\*count`"),
        ("a*0", "", "", "`a\\*0` is not"),
        ("a*1\n*", "", "", "is not `node\\*count`"),
        ("A*1", "", "", "`A\\*1` is not"),
        ("a*131073", "", "", f"more than {MOST_PODS} pods"),
        ("a*9999999999", "", "", "more than"),
        ("a*2", "0-2", "", "more ranks than places"),
        ("a*2", "0-4000000000", "", "more ranks than places"),
        ("a*2", "1-0", "", "`1-0` is not a rank"),
        ("a*2", "01", "", "`01` is not a rank"),
        ("a*2", "1", "", "2 places for 1 pods"),
        ("a*2", "1 1", "", "named twice"),
        ("a*2", "", "x x", "named twice"),
        ("a*2", "0-1", "x y", "ranks or pods, not both"),
    ],
)
def test_texts_that_do_not_agree_are_refused(nodes: str, ranks: str, pods: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_entries(nodes, ranks, pods)


@given(st.integers(1, 16), st.integers(0, 1 << 40), st.integers(0, 1 << 50))
def test_a_request_comes_back_from_its_text_as_it_was(gpus: int, cpu_milli: int, memory_bytes: int) -> None:
    shape = Amounts(gpus * 1000, cpu_milli, memory_bytes, 1)
    assert parse_request(render_request(shape, GPU)) == (GPU, shape)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cpu=1m",
        "nvidia.com/gpu=0",
        "nvidia.com/gpu=-1",
        "nvidia.com/gpu=1m",
        "cpu=8,nvidia.com/gpu=1",
        "memory=1m,nvidia.com/gpu=1",
        "cpu=1m,cpu=2m,nvidia.com/gpu=1",
        "nvidia.com/gpu=1,amd.com/gpu=1",
        "nvidia.com/gpu=1_0",
        "nvidia.com/gpu= 1",
        "nvidia.com/gpu=01",
    ],
)
def test_a_text_that_promises_no_one_kind_of_accelerator_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="`"):
        parse_request(text)


def make_line(child: str, pods: int = 1) -> Line:
    placed = tuple(Entry(Seat(rank=rank), NodeName(f"node-{rank:05}")) for rank in range(pods))
    return Line(ChildKey("Job", "vision-dev", child), TenantName("vision"), PoolName("h100"), GPU, Amounts(1000), placed, "Shared")


@given(st.lists(st.sampled_from("abcd")), st.integers(1, 4))
def test_parts_hold_every_line_once_and_never_part_a_gang(names: list[str], most_lines: int) -> None:
    lines = [make_line(name) for name in sorted(names)]
    parts = list(split_parts(lines, most_lines=most_lines))
    assert [line for part in parts for line in part] == lines
    assert all(left[-1].child != right[0].child for left, right in itertools.pairwise(parts))
    assert all(len(part) <= most_lines or len({line.child for line in part}) == 1 for part in parts)


def test_parts_stay_below_what_the_api_takes() -> None:
    lines = [make_line(f"job-{number}", pods=300) for number in range(200)]
    parts = list(split_parts(lines))
    assert len(parts) > 1
    assert all(sum(len(render_nodes(line.entries)) for line in part) < 256 * 1024 for part in parts)


def test_rounds_are_ordered_by_epoch_then_number_then_part() -> None:
    assert RoundId(1, 9, 1) < RoundId(2, 1, 0) < RoundId(2, 1, 1) < RoundId(2, 2, 0)
    assert RoundId(7, 123, 1).object_name == "r-0000000123-1"

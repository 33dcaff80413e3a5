import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from commonpool.api.round import Gang
from commonpool.api.round import Round as RoundObject
from commonpool.kube import records
from commonpool.kube.rounds import build_gangs, build_round, read_round
from commonpool.model.amounts import Amounts
from commonpool.model.ids import ANY_SEAT, ChildKey, NodeName, PoolName, Seat, TenantName
from commonpool.model.plan import Entry
from commonpool.model.rounds import Line, Round, RoundId

NODES = [NodeName(name) for name in ("gpu-0001", "gpu-0002", "a.b.c")]


def make_line(*seats: Seat, name: str = "pretrain", gpus: int = 8) -> Line:
    placed = tuple(Entry(seat, NODES[at % len(NODES)]) for at, seat in enumerate(seats))
    child = ChildKey("Job", "vision-dev", name)
    return Line(child, TenantName("vision"), PoolName("h100"), "nvidia.com/gpu", Amounts(gpus * 1000, 8000, 1 << 34, 1), placed, "Borrowed")


RANKED = make_line(Seat(rank=0), Seat(rank=1), Seat(rank=7))
NAMED = make_line(Seat(pod="web-7d4b-x2x"), Seat(pod="web-7d4b-9kq"), name="web")
LINES = st.sampled_from([RANKED, NAMED, make_line(ANY_SEAT, ANY_SEAT, name="sweep", gpus=1)])


def read_back(round_: Round, parts: int) -> Round:
    body = json.dumps(build_round(round_, parts)).encode()
    return read_round(msgspec.json.decode(body, type=records.Round)).round


@given(st.lists(LINES, max_size=4).map(tuple), st.integers(1, 99), st.integers(1, 9))
def test_a_round_is_read_back_as_it_was_written(lines: tuple[Line, ...], number: int, part: int) -> None:
    written = Round(RoundId(7, number, part), lines)
    assert read_back(written, 9) == written


def test_what_we_write_is_what_the_schema_takes() -> None:
    RoundObject.model_validate(build_round(Round(RoundId(7, 123, 1), (RANKED, NAMED)), 1))


def test_every_field_of_a_line_is_written_and_read() -> None:
    fields = set(Gang.model_fields)
    assert {field for gang in build_gangs([RANKED, NAMED]) for field in gang} == fields
    assert set(records.RoundGang.__struct_fields__) == fields


def test_a_line_that_nobody_can_read_promises_nothing_and_the_others_still_do() -> None:
    body = build_round(Round(RoundId(7, 123, 1), (RANKED, NAMED)), 1)
    body["spec"]["gangs"][0]["nodes"] = "gpu-0001"
    read = read_round(msgspec.convert(body, records.Round, strict=False))
    assert read.round.lines == (NAMED,)

"""The C face itself, called as a careless caller would: an error code for everything, never a crash."""

import ctypes
from array import array
from pathlib import Path
from random import Random

import pytest

BAD_HANDLE, BAD_LENGTH, BAD_VALUE, OVERFLOW = -1, -2, -3, -4
FREE = array("q", [8000, 64000, 64, 10] * 3)
DOMAINS = array("q", [0, 0, 1])
POD = (1000, 1000, 1, 1)
PLAIN = (-1, 1, -1, -1, 0, 0)
NULL = 0


@pytest.fixture(scope="module")
def library(libpacking: Path) -> ctypes.CDLL:
    loaded = ctypes.CDLL(str(libpacking))
    pointer, number = ctypes.c_void_p, ctypes.c_int64
    for name, arguments in {
        "packing_open": (pointer, pointer, number, pointer, number, pointer, number),
        "packing_select": (number, pointer, number),
        "packing_place": (number, number, pointer, pointer, number, pointer),
        "packing_add": (number, number, pointer),
        "packing_close": (number,),
    }.items():
        function = getattr(loaded, name)
        function.argtypes, function.restype = arguments, number
    return loaded


def at(values: "array[int]") -> "ctypes.Array[ctypes.c_int64]":
    """Its memory, kept alive for the call even where the array has no name."""
    return (ctypes.c_int64 * len(values)).from_buffer(values)


def open_fleet(library: ctypes.CDLL) -> int:
    handle: int = library.packing_open(at(FREE), at(FREE), 3, at(DOMAINS), 1, NULL, 0)
    assert handle > 0
    return handle


def place(library: ctypes.CDLL, handle: int, request: tuple[int, ...], eligible: list[int], room: int) -> tuple[int, list[int], int]:
    """What the face says of it: the refusal of the nodes, or of the gang, or how many pods were placed."""
    flat, nodes, out, fit = array("q", request), array("q", eligible), array("q", [-9] * room), array("q", [-9])
    site = library.packing_select(handle, at(nodes), len(nodes))
    result = site if site < 0 else library.packing_place(handle, site, at(flat), at(out), room, at(fit))
    return result, out.tolist(), fit[0]


def test_handles_are_above_zero_and_never_used_twice(library: ctypes.CDLL) -> None:
    first = open_fleet(library)
    assert library.packing_close(first) == 0
    second = open_fleet(library)
    assert second != first
    assert library.packing_close(first) == BAD_HANDLE
    assert library.packing_close(second) == 0


@pytest.mark.parametrize("handle", [0, -1, 1 << 62, -(1 << 63)])
def test_a_handle_that_was_never_given_is_refused(library: ctypes.CDLL, handle: int) -> None:
    assert place(library, handle, (*POD, 1, 1, -1, *PLAIN), [0], 1)[0] == BAD_HANDLE
    assert library.packing_add(handle, 0, at(array("q", POD))) == BAD_HANDLE
    assert library.packing_close(handle) == BAD_HANDLE


@pytest.mark.parametrize(
    ("n", "levels", "m"), [(-1, 0, 0), (1 << 62, 0, 0), (3, -1, 0), (3, 1 << 62, 0), (3, 0, -1), (3, 0, 1 << 62), (1 << 24, 0, -5)]
)
def test_lengths_that_cannot_be_are_refused(library: ctypes.CDLL, n: int, levels: int, m: int) -> None:
    assert library.packing_open(at(FREE), at(FREE), n, at(DOMAINS), levels, at(FREE), m) == BAD_LENGTH


def test_arrays_at_address_zero_are_refused_where_they_should_hold_something(library: ctypes.CDLL) -> None:
    assert library.packing_open(NULL, at(FREE), 3, NULL, 0, NULL, 0) == BAD_LENGTH
    assert library.packing_open(at(FREE), NULL, 3, NULL, 0, NULL, 0) == BAD_LENGTH
    assert library.packing_open(at(FREE), at(FREE), 3, NULL, 1, NULL, 0) == BAD_LENGTH
    assert library.packing_open(at(FREE), at(FREE), 3, NULL, 0, NULL, 1) == BAD_LENGTH
    handle, out = open_fleet(library), array("q", [0])
    request = array("q", [*POD, 1, 1, -1, *PLAIN])
    assert library.packing_select(handle, NULL, 1) == BAD_LENGTH
    assert library.packing_select(handle, at(out), -1) == BAD_LENGTH
    assert library.packing_select(handle, at(out), 1) == 0
    assert library.packing_place(handle, 0, NULL, at(out), 1, at(out)) == BAD_LENGTH
    assert library.packing_place(handle, 0, at(request), NULL, 1, at(out)) == BAD_LENGTH
    assert library.packing_place(handle, 0, at(request), at(out), 1, NULL) == BAD_LENGTH
    assert library.packing_add(handle, 0, NULL) == BAD_LENGTH
    assert library.packing_close(handle) == 0


def test_room_for_fewer_pods_than_asked_is_refused_and_nothing_is_written(library: ctypes.CDLL) -> None:
    handle = open_fleet(library)
    for room in (0, 3):
        assert place(library, handle, (*POD, 1, 4, -1, *PLAIN), [0, 1, 2], room) == (BAD_LENGTH, [-9] * room, -9)
    assert place(library, handle, (*POD, 1, 4, -1, *PLAIN), [0, 1, 2], 4)[0] == 4
    assert library.packing_close(handle) == 0


def test_values_that_mean_nothing_and_values_beyond_the_limits_are_told_apart(library: ctypes.CDLL) -> None:
    handle = open_fleet(library)
    assert place(library, handle, (-1, 1, 1, 1, 1, 1, -1, *PLAIN), [0], 1)[0] == BAD_VALUE
    assert place(library, handle, (*POD, 1, 1, 1, *PLAIN), [0], 1)[0] == BAD_VALUE
    assert place(library, handle, (*POD, 1, 1, -1, *PLAIN), [2, 1], 1)[0] == BAD_VALUE
    assert place(library, handle, ((1 << 63) - 1, 1, 1, 1, 1, 1, -1, *PLAIN), [0], 1)[0] == OVERFLOW
    assert library.packing_add(handle, 0, at(array("q", [0, 0, 0, -(1 << 63)]))) == OVERFLOW
    assert library.packing_add(handle, 1 << 62, at(array("q", POD))) == BAD_VALUE
    assert library.packing_close(handle) == 0


def test_wild_numbers_never_crash_it(library: ctypes.CDLL) -> None:
    rng = Random(7)  # noqa: S311 - the same wild numbers every time
    wild = (-(1 << 63), (1 << 63) - 1, 1 << 50, 1 << 32, 1 << 20)

    def draw() -> int:
        return rng.choice(wild) if rng.random() < 0.03 else rng.randint(-1, 12) if rng.random() < 0.1 else rng.randint(0, 3)

    results = set()
    for _ in range(3000):
        free = at(array("q", [draw() for _ in range(12)]))
        handle = library.packing_open(free, free, 3, at(DOMAINS), 1, NULL, 0)
        wishes = PLAIN if rng.random() < 0.5 else (draw(), *(rng.choice((-1, 0, 0, 1, draw())) for _ in range(5)))
        request = (draw(), draw(), draw(), draw(), draw(), draw(), rng.choice((-1, 0, draw())), *wishes)
        eligible = sorted({draw() for _ in range(rng.randint(0, 3))})
        results.add(place(library, handle, request, eligible, rng.choice((0, 8, 20)))[0])
        results.add(library.packing_add(handle, draw(), at(array("q", [draw() for _ in range(4)]))))
        library.packing_close(handle)
    assert {BAD_HANDLE, BAD_LENGTH, BAD_VALUE, OVERFLOW, 0, 3} <= results
    assert min(results) == OVERFLOW

"""The packing engine in Go (scheduler/cmd/libpacking), called through its C face; arrays cross over by address, never by element."""

import ctypes
from array import array
from dataclasses import fields
from operator import attrgetter
from typing import TYPE_CHECKING, NoReturn

from commonpool.engine import checks
from commonpool.engine.closing import Closing
from commonpool.engine.protocol import AMOUNTS, CLASS_FIELDS, MAX_COUNT, Amounts, Fault, Fleet, GangAnswer, GangRequest
from commonpool.errors import EngineError, SetupError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VERSION = 3

_INT = ctypes.c_int64
_ARRAY = ctypes.c_void_p
_SIGNATURES = {
    "packing_version": (),
    "packing_open": (_ARRAY, _ARRAY, _INT, _ARRAY, _INT, _ARRAY, _INT),
    "packing_select": (_INT, _ARRAY, _INT),
    "packing_place": (_INT, _INT, _ARRAY, _ARRAY, _INT, _ARRAY),
    "packing_add": (_INT, _INT, _ARRAY),
    "packing_close": (_INT,),
}
_WISHES = attrgetter(*(field.name for field in fields(GangRequest) if field.name != "amounts"))
"""All of a request but the amounts, in the order of the C face."""


def load_native(path: "Path") -> "NativeEngine":
    """Load the library; raises `SetupError` if it is not there, is not a library, or is of another version.

    A process must not fork after this and use the engine in the child: the Go runtime's threads do not follow.
    """
    try:
        library = ctypes.CDLL(str(path))
        for name, arguments in _SIGNATURES.items():
            function = getattr(library, name)
            function.argtypes, function.restype = arguments, _INT
    except (OSError, AttributeError) as error:
        raise SetupError(f"`{path}` cannot be loaded as the packing engine: {error}") from error
    check_version(library, path)
    return NativeEngine(library)


def check_version(library: ctypes.CDLL, path: "Path") -> None:
    """Refuse a library that is not of this source tree's time."""
    version = library.packing_version()
    if version != VERSION:
        raise SetupError(f"`{path}` has version `{version}`, not {VERSION}", hint="build it again from this source tree")


class NativeEngine:
    """Made by `load_native`; one for the whole process is enough."""

    name = "native"

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library

    def open(self, fleet: Fleet) -> "NativePacking":
        """Copy the fleet into a packing, once a round."""
        checks.check_lengths(fleet)
        classes = len(fleet.classes) // CLASS_FIELDS
        handle = self._library.packing_open(
            _address(fleet.free),
            _address(fleet.capacity),
            fleet.nodes,
            _address(fleet.domains),
            fleet.levels,
            _address(fleet.classes),
            classes,
        )
        if handle < 0:
            refuse(handle, lambda: checks.check_fleet(fleet))
        return NativePacking(self._library, handle, fleet)


class NativePacking(Closing):
    """See `protocol.Packing`."""

    def __init__(self, library: ctypes.CDLL, handle: int, fleet: Fleet) -> None:
        self._library = library
        self._handle = handle
        self._nodes, self._levels = fleet.nodes, fleet.levels
        self._sites = 0
        self._out = array("q")
        self._fit_count = array("q", [0])

    def select(self, eligible: "array[int]") -> int:
        """Number a choice of nodes; its cost grows with them."""

        def check() -> None:
            self._check_open()
            checks.check_eligible(eligible, self._nodes)
            checks.check_sites(self._sites)

        checks.check_typecode("eligible", eligible)
        site: int = self._library.packing_select(self._handle, _address(eligible), len(eligible))
        if site < 0:
            refuse(site, check)
        self._sites = site + 1
        return site

    def place(self, request: GangRequest, site: int) -> GangAnswer:
        """Place the gang, or nothing of it; cost grows with the nodes that have changed since the last such question, and with the pods."""

        def check() -> None:
            self._check_open()
            checks.check_request(request, self._levels)
            checks.check_site(site, self._sites)

        checks.check_amounts_length("amounts", request.amounts)
        try:
            flat = array("q", (*request.amounts, *_WISHES(request), site))
        except OverflowError:
            refuse(Fault.OVERFLOW, check)
        out = self._room_for(request.count)
        placed = self._library.packing_place(self._handle, flat[-1], _address(flat), _address(out), len(out), _address(self._fit_count))
        if placed < 0:
            refuse(placed, check)
        return GangAnswer(nodes=out[:placed], fit_count=self._fit_count[0])

    def add(self, node: int, amounts: Amounts) -> None:
        """Give `amounts` back to a node, or take them where they are negative."""

        def check() -> None:
            self._check_open()
            checks.check_node(node, self._nodes)
            checks.check_within_limits("amounts", amounts)

        checks.check_amounts_length("amounts", amounts)
        try:
            flat = array("q", (*amounts, node))
        except OverflowError:
            refuse(Fault.OVERFLOW, check)
        result = self._library.packing_add(self._handle, flat[AMOUNTS], _address(flat))
        if result < 0:
            refuse(result, check)

    def _forget(self) -> None:
        self._library.packing_close(self._handle)
        self._handle = 0

    def _room_for(self, count: int) -> "array[int]":
        missing = min(count, MAX_COUNT) - len(self._out)
        if missing > 0:
            self._out.frombytes(bytes(missing * self._out.itemsize))
        return self._out


def _address(values: "array[int]") -> int:
    return values.buffer_info()[0]


def refuse(code: int, check: "Callable[[], None]") -> NoReturn:
    """Let the shared checks find the sentence; what they do not know is told by its code."""
    check()
    raise EngineError(f"the native packing engine refused the call: `{Fault(code).name}`", code=code)

"""Packing onto cards by the engine in Go, through its C face; a sequence of pods is one call."""

import ctypes
from array import array
from typing import TYPE_CHECKING

from commonpool.engine.cards import (
    CLASS_FIELDS,
    NODE_FIELDS,
    PLACEMENT_FIELDS,
    POD_FIELDS,
    CardFleet,
    CardPod,
    Places,
    check_card_fleet,
    check_card_pod,
    check_card_pods,
)
from commonpool.engine.closing import Closing
from commonpool.engine.native import check_version, refuse
from commonpool.engine.protocol import Fault
from commonpool.errors import EngineError, SetupError

if TYPE_CHECKING:
    from pathlib import Path

_INT = ctypes.c_int64
_ARRAY = ctypes.c_void_p
_SIGNATURES = {
    "packing_version": (),
    "packing_cards_open": (_ARRAY, _INT, _ARRAY, _INT, _ARRAY, _INT, _ARRAY, _INT, _INT),
    "packing_cards_place": (_INT, _ARRAY, _INT, _ARRAY, _ARRAY),
    "packing_cards_give": (_INT, _INT, _ARRAY, _INT),
    "packing_cards_close": (_INT,),
}


def load_cards(path: "Path") -> "CardEngine":
    """Load the library; raises `SetupError` if it is not there, has no cards, or is of another version."""
    try:
        library = ctypes.CDLL(str(path))
        for name, arguments in _SIGNATURES.items():
            function = getattr(library, name)
            function.argtypes, function.restype = arguments, _INT
    except (OSError, AttributeError) as error:
        raise SetupError(f"`{path}` cannot be loaded for packing onto cards: {error}") from error
    check_version(library, path)
    return CardEngine(library)


class CardEngine:
    """Made by `load_cards`; one for the whole process is enough."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library

    def open(self, fleet: CardFleet) -> "CardNative":
        """Copy the fleet into a packing and learn prices, about 20 ms for a hundred classes."""
        try:
            handle = self._library.packing_cards_open(
                *_array(fleet.nodes, NODE_FIELDS),
                *_array(fleet.milli, 1),
                *_array(fleet.classes, CLASS_FIELDS),
                *_array(fleet.placements, PLACEMENT_FIELDS),
                fleet.rounds,
            )
        except ctypes.ArgumentError:
            handle = int(Fault.OVERFLOW)
        if handle < 0:
            refuse(handle, lambda: check_card_fleet(fleet))
        return CardNative(self._library, handle)


class CardNative(Closing):
    """See `cards.CardPacking`."""

    def __init__(self, library: ctypes.CDLL, handle: int) -> None:
        self._library = library
        self._handle = handle

    def place(self, pods: "array[int]") -> Places:
        """Place pods one after the other; what one costs grows with what has changed since its like came last."""
        self._check_open()
        first, count = _array(pods, POD_FIELDS)
        nodes, cards = array("q", bytes(8 * count)), array("q", bytes(8 * count))
        placed = self._library.packing_cards_place(self._handle, first, count, nodes.buffer_info()[0], cards.buffer_info()[0])
        if placed < 0:
            refuse(placed, lambda: check_card_pods(pods))
        return list(zip(nodes, cards, strict=True))

    def give(self, node: int, pod: CardPod, cards: int) -> None:
        """Take a pod off its node again."""
        self._check_open()
        try:
            flat = array("q", (*pod, node, cards))
        except OverflowError as error:
            check_card_pod(pod)
            raise EngineError(f"there is no node `{node}` with cards `{cards}`", code=Fault.BAD_VALUE) from error
        result = self._library.packing_cards_give(self._handle, flat[POD_FIELDS], flat.buffer_info()[0], flat[POD_FIELDS + 1])
        if result < 0:
            refuse(result, lambda: check_card_pod(pod))

    def _forget(self) -> None:
        self._library.packing_cards_close(self._handle)
        self._handle = 0


def _array(values: "array[int]", fields: int) -> tuple[int, int]:
    """Where the array is, and how many records it has."""
    if values.typecode != "q" or len(values) % fields:
        raise EngineError(f"{len(values)} numbers of `{values.typecode}` are not {fields} each", code=Fault.BAD_LENGTH)
    return values.buffer_info()[0], len(values) // fields

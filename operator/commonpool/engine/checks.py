"""What every engine refuses, in words: lengths for both, values for the reference (the native engine has its own in Go)."""

from typing import TYPE_CHECKING

from commonpool.engine.protocol import (
    AMOUNTS,
    ANYWHERE,
    CLASS_FIELDS,
    LIMITS,
    MAX_CLASSES,
    MAX_COUNT,
    MAX_LEVELS,
    MAX_LOOKAHEAD,
    MAX_NODES,
    MAX_SITES,
    MAX_TOTAL_WEIGHT,
    NO_DOMAIN,
    Fault,
    Fleet,
    GangRequest,
)
from commonpool.errors import EngineError

if TYPE_CHECKING:
    from array import array
    from collections.abc import Sequence


def check_typecode(name: str, values: "array[int]") -> None:
    """Refuse an array whose items are not 64-bit integers."""
    if values.typecode != "q":
        raise EngineError(f"`{name}` is an array of `{values.typecode}`, not of `q`", code=Fault.BAD_LENGTH)


def check_lengths(fleet: Fleet) -> None:
    """Refuse a fleet whose arrays do not belong together, or that is larger than an engine takes."""
    arrays = (("free", fleet.free), ("capacity", fleet.capacity), ("domains", fleet.domains), ("classes", fleet.classes))
    for name, values in arrays:
        check_typecode(name, values)
    if len(fleet.free) % AMOUNTS:
        raise EngineError(f"`free` has {len(fleet.free)} numbers, not {AMOUNTS} a node", code=Fault.BAD_LENGTH)
    if len(fleet.capacity) != len(fleet.free):
        raise EngineError(f"`capacity` has {len(fleet.capacity)} numbers, `free` has {len(fleet.free)}", code=Fault.BAD_LENGTH)
    if len(fleet.classes) % CLASS_FIELDS:
        raise EngineError(f"`classes` has {len(fleet.classes)} numbers, not {CLASS_FIELDS} a class", code=Fault.BAD_LENGTH)
    if fleet.levels < 0 or len(fleet.domains) != fleet.levels * fleet.nodes:
        raise EngineError(
            f"`domains` has {len(fleet.domains)} numbers for `{fleet.levels}` levels of {fleet.nodes} nodes", code=Fault.BAD_LENGTH
        )
    if fleet.nodes > MAX_NODES or fleet.levels > MAX_LEVELS or len(fleet.classes) > MAX_CLASSES * CLASS_FIELDS:
        raise EngineError(f"at most {MAX_NODES} nodes, {MAX_LEVELS} levels and {MAX_CLASSES} classes", code=Fault.BAD_LENGTH)


def check_amounts_length(name: str, amounts: "Sequence[int]") -> None:
    """Refuse a vector that is not one number an amount."""
    if len(amounts) != AMOUNTS:
        raise EngineError(f"`{name}` has {len(amounts)} numbers, not {AMOUNTS}", code=Fault.BAD_LENGTH)


def check_fleet(fleet: Fleet) -> None:
    """Refuse numbers that mean nothing, or that could overflow."""
    check_lengths(fleet)
    for start in range(0, len(fleet.free), AMOUNTS):
        check_within_limits("free", fleet.free[start : start + AMOUNTS])
        check_within_limits("capacity", fleet.capacity[start : start + AMOUNTS])
    for domain in fleet.domains:
        if not NO_DOMAIN <= domain < fleet.nodes:
            raise EngineError(f"domain `{domain}` is not in -1..{fleet.nodes - 1}", code=Fault.BAD_VALUE)
    check_nested(fleet)
    total_weight = 0
    for start in range(0, len(fleet.classes), CLASS_FIELDS):
        *shape, weight = fleet.classes[start : start + CLASS_FIELDS]
        check_shape("class", shape)
        if weight < 0:
            raise EngineError(f"class weight `{weight}` is negative", code=Fault.BAD_VALUE)
        total_weight += weight
        if total_weight > MAX_TOTAL_WEIGHT:
            raise EngineError(f"the classes' weights add up to more than {MAX_TOTAL_WEIGHT}", code=Fault.OVERFLOW)


def check_nested(fleet: Fleet) -> None:
    """Refuse domains that lie in two wider ones at once."""
    rows = [fleet.domains[level * fleet.nodes : (level + 1) * fleet.nodes] for level in range(fleet.levels)]
    for level in range(1, fleet.levels):
        around: dict[int, tuple[int, ...]] = {}
        for node, domain in enumerate(rows[level]):
            wider = tuple(row[node] for row in rows[:level])
            if domain != NO_DOMAIN and around.setdefault(domain, wider) != wider:
                raise EngineError(f"domain `{domain}` of level `{level}` lies in two domains of a wider level", code=Fault.BAD_VALUE)


def check_request(request: GangRequest, levels: int) -> None:
    """Refuse a gang that nobody could mean."""
    check_amounts_length("amounts", request.amounts)
    check_shape("request", request.amounts)
    if request.count < 1 or not 0 <= request.min_count <= request.count:
        raise EngineError(f"min_count `{request.min_count}` and count `{request.count}` are no range of pods", code=Fault.BAD_VALUE)
    for level in (request.level, request.preferred, request.segment_level, request.spread_level):
        if not ANYWHERE <= level < levels:
            raise EngineError(f"level `{level}` is not in -1..{levels - 1}", code=Fault.BAD_VALUE)
    check_segment(request)
    check_spread(request)
    if request.count > MAX_COUNT:
        raise EngineError(f"count `{request.count}` is above {MAX_COUNT}", code=Fault.OVERFLOW)


def check_segment(request: GangRequest) -> None:
    """Refuse segments without a level, a level without segments, and a level that is wider than the gang's own domain."""
    if request.segment < 1 or (request.segment == 1) != (request.segment_level == ANYWHERE):
        raise EngineError(f"segment `{request.segment}` with level `{request.segment_level}` is none", code=Fault.BAD_VALUE)
    if request.segment > MAX_COUNT:
        raise EngineError(f"segment `{request.segment}` is above {MAX_COUNT}", code=Fault.OVERFLOW)
    if request.segment > 1 and request.segment_level < request.level:
        raise EngineError(f"segment level `{request.segment_level}` is wider than level `{request.level}`", code=Fault.BAD_VALUE)


def check_spread(request: GangRequest) -> None:
    """Refuse half a wish to be spread, one that cannot be inside the gang's domain or around its segments, and one beyond counting."""
    if request.max_skew < 0 or (request.min_domains < 1 if request.spread_level != ANYWHERE else request.min_domains or request.max_skew):
        raise EngineError(
            f"min_domains `{request.min_domains}` and max_skew `{request.max_skew}` with level `{request.spread_level}` are no spread",
            code=Fault.BAD_VALUE,
        )
    if request.spread_level == ANYWHERE:
        return
    if request.spread_level <= request.level or (request.segment > 1 and request.spread_level > request.segment_level):
        raise EngineError(f"spread level `{request.spread_level}` is not inside `level`, or inside a segment's", code=Fault.BAD_VALUE)
    if max(request.count // request.segment, request.min_domains, request.max_skew) > MAX_LOOKAHEAD:
        raise EngineError(f"no more than {MAX_LOOKAHEAD} pods or segments can be spread", code=Fault.OVERFLOW)


def check_eligible(eligible: "array[int]", nodes: int) -> None:
    """Refuse node indexes that are not of the fleet, or not strictly ascending."""
    check_typecode("eligible", eligible)
    previous = -1
    for node in eligible:
        if not previous < node < nodes:
            raise EngineError(f"eligible node `{node}` comes after `{previous}`, of {nodes} nodes", code=Fault.BAD_VALUE)
        previous = node


def check_sites(sites: int) -> None:
    """Refuse one more than an engine remembers."""
    if sites >= MAX_SITES:
        raise EngineError(f"a packing knows at most {MAX_SITES} sites", code=Fault.OVERFLOW)


def check_site(site: int, sites: int) -> None:
    """Refuse a number that `select` did not give."""
    if not 0 <= site < sites:
        raise EngineError(f"site `{site}` is not in 0..{sites - 1}", code=Fault.BAD_VALUE)


def check_node(node: int, nodes: int) -> None:
    """Refuse an index that is not of the fleet."""
    if not 0 <= node < nodes:
        raise EngineError(f"node `{node}` is not in 0..{nodes - 1}", code=Fault.BAD_VALUE)


def check_shape(name: str, amounts: "Sequence[int]") -> None:
    """Refuse a pod that needs less than nothing, or nothing at all."""
    if min(amounts) < 0 or max(amounts) == 0:
        raise EngineError(f"{name} `{tuple(amounts)}` must have no amount below zero and one above", code=Fault.BAD_VALUE)
    check_within_limits(name, amounts)


def check_within_limits(name: str, amounts: "Sequence[int]") -> None:
    """Refuse amounts beyond the bounds that keep every sum within 64 bits."""
    if any(abs(amount) > limit for amount, limit in zip(amounts, LIMITS, strict=True)):
        raise EngineError(f"{name} `{tuple(amounts)}` is beyond `{LIMITS}`", code=Fault.OVERFLOW)

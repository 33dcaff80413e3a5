"""Which workloads can never start because, through `after`, they wait for each other in a circle."""

from collections import defaultdict
from collections.abc import Iterable

from commonpool.api import GPUWorkload
from commonpool.kube.own import Own
from commonpool.kube.resources import Key


def find_circular(workloads: Iterable[Own[GPUWorkload]]) -> frozenset[Key]:
    """Those on a circle, or between two circles.

    What waits for nothing of the rest is taken away again and again, and then what nothing of the rest waits for
    (Kahn, CACM 1962, from both ends); each edge is looked at twice, however the tenants have drawn them.
    """
    waits_for: dict[Key, set[Key]] = {}
    for own in workloads:
        hpc = own.parsed.spec.hpc if own.parsed is not None else None
        if hpc is not None and hpc.after and own.outcome != "True":
            waits_for[own.key] = {(own.key[0], name) for name in hpc.after}
    waits_for = {key: others & waits_for.keys() for key, others in waits_for.items()}
    kept = _trim(waits_for)
    awaited_by: defaultdict[Key, set[Key]] = defaultdict(set)
    for key in kept:
        for other in waits_for[key] & kept:
            awaited_by[other].add(key)
    return frozenset(_trim({key: awaited_by[key] for key in kept}))


def _trim(edges: dict[Key, set[Key]]) -> set[Key]:
    """What is left when all has gone that leads nowhere in the end."""
    backward: defaultdict[Key, list[Key]] = defaultdict(list)
    for key, others in edges.items():
        for other in others:
            backward[other].append(key)
    degrees = {key: len(others) for key, others in edges.items()}
    loose = [key for key, degree in degrees.items() if not degree]
    while loose:
        key = loose.pop()
        del degrees[key]
        for before in backward[key]:
            degrees[before] -= 1
            if not degrees[before]:
                loose.append(before)
    return set(degrees)

"""What one pod takes, counted as the apiserver and kube-scheduler count it, and what it asks that nobody honours yet."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from commonpool.api.quantity import parse_milli, parse_whole
from commonpool.kube.records import Container, PodSpec, Quantities
from commonpool.model.amounts import GPU_MILLI, Amounts

Extended = tuple[tuple[str, int], ...]
"""Extended resources and how many whole units of each, sorted by name; none is zero."""

DEFAULT_GRACE_SECONDS = 30
"""What Kubernetes gives a pod that says nothing else."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One pod's request."""

    cpu_milli: int = 0
    memory_bytes: int = 0
    extended: Extended = ()
    node_selector: tuple[tuple[str, str], ...] = ()
    unsupported: str = ""
    """A sentence that names the field which the planner cannot honour; empty if there is none."""
    grace_seconds: int = DEFAULT_GRACE_SECONDS
    """How long it may take to end once it is told."""

    def count(self, resource_name: str) -> int:
        """Whole units of one extended resource."""
        return next((count for name, count in self.extended if name == resource_name), 0)

    def amounts(self, resource_name: str | None) -> Amounts:
        """The same as the planner counts, with this resource as the accelerator."""
        return Amounts(self.count(resource_name) * GPU_MILLI if resource_name else 0, self.cpu_milli, self.memory_bytes, 1)


milli = lru_cache(maxsize=4096)(parse_milli)
whole = lru_cache(maxsize=4096)(parse_whole)


def read_shape(spec: PodSpec) -> Shape:
    """The shape of a pod or of a template; ValueError if a quantity is none."""
    totals = _total(spec)
    return Shape(
        cpu_milli=totals.pop("cpu", 0),
        memory_bytes=totals.pop("memory", 0),
        extended=tuple(sorted((name, amount) for name, amount in totals.items() if amount and is_extended(name))),
        node_selector=tuple(sorted((spec.node_selector or {}).items())),
        unsupported=_find_unsupported(spec),
        grace_seconds=DEFAULT_GRACE_SECONDS if spec.termination_grace_period_seconds is None else spec.termination_grace_period_seconds,
    )


def is_extended(name: str) -> bool:
    """Whether a resource is one that a device plugin or a driver offers, as Kubernetes tells them apart."""
    return "/" in name and "kubernetes.io/" not in name and not name.startswith("requests.")


def parse_amounts(quantities: Quantities | None) -> dict[str, int]:
    """CPU in thousandths, everything else whole."""
    return {name: milli(amount) if name == "cpu" else whole(amount) for name, amount in (quantities or {}).items()}


def _asked(container: Container) -> dict[str, int]:
    """A container's requests; where it states a limit only, that is its request."""
    resources = container.resources
    if resources is None:
        return {}
    return parse_amounts(resources.limits) | parse_amounts(resources.requests) if resources.limits else parse_amounts(resources.requests)


def _total(spec: PodSpec) -> dict[str, int]:
    """The most that the pod holds at any time of its life.

    Init containers run one after another, each beside the sidecars (restartPolicy Always)
    that were started before it; a request of the pod as a whole replaces the sum.
    """
    running = _sum(_asked(container) for container in spec.containers)
    peak: dict[str, int] = {}
    sidecars: dict[str, int] = {}
    for container in spec.init_containers or ():
        asked = _sum((sidecars, _asked(container)))
        if container.restart_policy == "Always":
            sidecars = asked
        peak = _most(peak, asked)
    total = _most(_sum((running, sidecars)), peak)
    if spec.resources is not None:
        total |= parse_amounts(spec.resources.limits) | parse_amounts(spec.resources.requests)
    return _sum((total, parse_amounts(spec.overhead))) if spec.overhead else total


def _sum(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in parts:
        for name, amount in part.items():
            total[name] = total.get(name, 0) + amount
    return total


def _most(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: max(one.get(name, 0), other.get(name, 0)) for name in {**one, **other}}


def _find_unsupported(spec: PodSpec) -> str:
    affinity = spec.affinity
    judged = (
        (
            affinity and affinity.node_affinity and affinity.node_affinity.required,
            "required `nodeAffinity` is not supported: use `nodeSelector`, or make it preferred",
        ),
        (
            affinity and affinity.pod_affinity and affinity.pod_affinity.required,
            "required `podAffinity` is not supported: use `placement.required` of a GPUWorkload, or make it preferred",
        ),
        (
            affinity and affinity.pod_anti_affinity and affinity.pod_anti_affinity.required,
            "required `podAntiAffinity` is not supported: make it preferred",
        ),
        (
            any(spread.when_unsatisfiable != "ScheduleAnyway" for spread in spec.topology_spread_constraints or ()),
            "`topologySpreadConstraints` with `DoNotSchedule` are not supported: use `ScheduleAnyway`",
        ),
        (spec.resource_claims, "`resourceClaims` are not supported: ask for accelerators in `resources.limits`"),
        (
            any(port.host_port for container in spec.containers for port in container.ports or ()),
            "`hostPort` is not supported: use a Service",
        ),
    )
    return next((sentence for found, sentence in judged if found), "")

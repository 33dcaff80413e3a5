"""Which accelerators a GPUWorkload says would do."""

from commonpool.api import GPUWorkload
from commonpool.api.gpuworkload import Choice
from commonpool.api.quantity import parse_whole
from commonpool.model.ids import PoolName
from commonpool.model.snapshot import Wish


def read_choices(workload: GPUWorkload) -> tuple[Wish, ...]:
    """In its order of preference; who names none takes any."""
    choices = workload.spec.accelerators.any_of
    return (Wish(),) if choices is None else tuple(_read_choice(choice) for choice in choices)


def _read_choice(choice: Choice) -> Wish:
    return Wish(
        pool=PoolName(choice.pool) if choice.pool is not None else None,
        memory_bytes=parse_whole(choice.memory) if choice.memory else 0,
        precision=choice.precision,
        weight=choice.weight,
    )

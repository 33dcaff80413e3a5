"""What a pod takes and a node has: four integers, never a float."""

from dataclasses import dataclass

GPU_MILLI = 1000
"""Milli-accelerators in one whole accelerator."""


@dataclass(frozen=True, slots=True, order=True)
class Amounts:
    """Accelerators in thousandths, CPU in thousandths of a core, memory in bytes, and places for pods."""

    gpu_milli: int = 0
    cpu_milli: int = 0
    memory_bytes: int = 0
    pods: int = 0

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(
            self.gpu_milli + other.gpu_milli,
            self.cpu_milli + other.cpu_milli,
            self.memory_bytes + other.memory_bytes,
            self.pods + other.pods,
        )

    def __sub__(self, other: "Amounts") -> "Amounts":
        return self + other * -1

    def __mul__(self, times: int) -> "Amounts":
        return Amounts(self.gpu_milli * times, self.cpu_milli * times, self.memory_bytes * times, self.pods * times)

    @property
    def vector(self) -> tuple[int, int, int, int]:
        """The order in which the packing engine takes them."""
        return (self.gpu_milli, self.cpu_milli, self.memory_bytes, self.pods)


NOTHING = Amounts()

"""Accelerators that commonpool knows: what an administrator need not write into a GPUPool.

Speeds are dense TFLOP/s (TOP/s for int8) per accelerator as the vendors publish them: matrix units where there are any, without sparsity.
Sources: NVIDIA's data sheets of V100, T4, A100, L4, L40S, H100, H200 and HGX B200; AMD's of Instinct MI250X, MI300X and MI325X; Intel's of
Data Center GPU Max and its Gaudi 2 and Gaudi 3 white papers; Google Cloud's TPU documentation; AWS's Trainium2 page; Huawei's Atlas 800T A2
data sheet (Ascend 910B).
"""

import re
from dataclasses import dataclass, replace

NVIDIA = "nvidia.com/gpu"
MIG = "nvidia.com/mig-"
"""How NVIDIA's device plugin names the resources of MIG instances (strategy `mixed`); the profile follows."""

_PROFILE = re.compile(r"(?P<compute>[1-7])g\.(?P<memory>[1-9][0-9]*)gb(\.me)?")
_MIG_COMPUTE = 7
"""Slices of processors of a card of the catalogue that has MIG."""


@dataclass(frozen=True, slots=True)
class Accelerator:
    """A model of accelerator; `speed` maps a precision to dense TFLOP/s."""

    model: str
    vendor: str
    memory: str
    resource_name: str
    speed: dict[str, float]


ACCELERATORS: tuple[Accelerator, ...] = (
    Accelerator(
        "B200-SXM-180GB",
        "nvidia",
        "180Gi",
        NVIDIA,
        {"fp64": 40, "tf32": 1125, "bf16": 2250, "fp16": 2250, "fp8": 4500, "fp4": 9000, "int8": 4500},
    ),
    Accelerator(
        "H200-SXM-141GB", "nvidia", "141Gi", NVIDIA, {"fp64": 67, "tf32": 494, "bf16": 989, "fp16": 989, "fp8": 1979, "int8": 1979}
    ),
    Accelerator("H100-SXM-80GB", "nvidia", "80Gi", NVIDIA, {"fp64": 67, "tf32": 494, "bf16": 989, "fp16": 989, "fp8": 1979, "int8": 1979}),
    Accelerator("H100-PCIe-80GB", "nvidia", "80Gi", NVIDIA, {"fp64": 51, "tf32": 378, "bf16": 756, "fp16": 756, "fp8": 1513, "int8": 1513}),
    Accelerator("A100-SXM-80GB", "nvidia", "80Gi", NVIDIA, {"fp64": 19.5, "tf32": 156, "bf16": 312, "fp16": 312, "int8": 624}),
    Accelerator("A100-SXM-40GB", "nvidia", "40Gi", NVIDIA, {"fp64": 19.5, "tf32": 156, "bf16": 312, "fp16": 312, "int8": 624}),
    Accelerator("L40S-PCIe-48GB", "nvidia", "48Gi", NVIDIA, {"fp32": 91.6, "tf32": 183, "bf16": 362, "fp16": 362, "fp8": 733, "int8": 733}),
    Accelerator("L4-PCIe-24GB", "nvidia", "24Gi", NVIDIA, {"fp32": 30.3, "tf32": 60, "bf16": 121, "fp16": 121, "fp8": 242, "int8": 242}),
    Accelerator("V100-SXM-32GB", "nvidia", "32Gi", NVIDIA, {"fp64": 7.8, "fp32": 15.7, "fp16": 125}),
    Accelerator("T4-PCIe-16GB", "nvidia", "16Gi", NVIDIA, {"fp32": 8.1, "fp16": 65, "int8": 130}),
    Accelerator(
        "MI325X-OAM-256GB",
        "amd",
        "256Gi",
        "amd.com/gpu",
        {"fp64": 163.4, "tf32": 653.7, "bf16": 1307.4, "fp16": 1307.4, "fp8": 2614.9, "int8": 2614.9},
    ),
    Accelerator(
        "MI300X-OAM-192GB",
        "amd",
        "192Gi",
        "amd.com/gpu",
        {"fp64": 163.4, "tf32": 653.7, "bf16": 1307.4, "fp16": 1307.4, "fp8": 2614.9, "int8": 2614.9},
    ),
    Accelerator("MI250X-OAM-128GB", "amd", "128Gi", "amd.com/gpu", {"fp64": 95.7, "fp32": 95.7, "bf16": 383, "fp16": 383, "int8": 383}),
    Accelerator("Gaudi3-OAM-128GB", "intel", "128Gi", "habana.ai/gaudi", {"bf16": 1835, "fp8": 1835}),
    Accelerator("Gaudi2-OAM-96GB", "intel", "96Gi", "habana.ai/gaudi", {"bf16": 432, "fp8": 865}),
    Accelerator(
        "Max1550-OAM-128GB",
        "intel",
        "128Gi",
        "gpu.intel.com/i915",
        {"fp64": 52, "fp32": 52, "tf32": 419, "bf16": 839, "fp16": 839, "int8": 1678},
    ),
    Accelerator("Ascend910B-OAM-64GB", "huawei", "64Gi", "huawei.com/Ascend910", {"fp16": 313, "bf16": 313, "int8": 626}),
    Accelerator("TPU-v6e-32GB", "google", "32Gi", "google.com/tpu", {"bf16": 918, "int8": 1836}),
    Accelerator("TPU-v5p-95GB", "google", "95Gi", "google.com/tpu", {"bf16": 459, "int8": 918}),
    Accelerator("TPU-v5e-16GB", "google", "16Gi", "google.com/tpu", {"bf16": 197, "int8": 394}),
    Accelerator("Trainium2-96GB", "aws", "96Gi", "aws.amazon.com/neuron", {"bf16": 667, "fp8": 1299}),
)

_BY_MODEL = {accelerator.model: accelerator for accelerator in ACCELERATORS}

RESOURCE_NAMES: tuple[str, ...] = tuple(sorted({accelerator.resource_name for accelerator in ACCELERATORS}))
"""Extended resources under which the known accelerators' device plugins offer them."""


MIG_RESOURCE_NAMES: tuple[str, ...] = tuple(
    MIG + profile
    for profiles in (
        "1g.6gb 1g.6gb.me 2g.12gb 2g.12gb.me 4g.24gb",  # A30
        "1g.5gb 1g.5gb.me 1g.10gb 2g.10gb 3g.20gb 4g.20gb 7g.40gb",  # A100 of 40 GB
        "1g.10gb.me 1g.20gb 2g.20gb 3g.40gb 4g.40gb 7g.80gb",  # A100 and H100 of 80 GB
        "1g.12gb 1g.12gb.me 1g.24gb 2g.24gb 3g.47gb 4g.47gb 7g.94gb",  # H100 NVL
        "3g.48gb 4g.48gb 7g.96gb",  # GH200
        "1g.18gb 1g.18gb.me 1g.35gb 2g.35gb 3g.71gb 4g.71gb 7g.141gb",  # H200
        "1g.23gb 1g.23gb.me 1g.45gb 2g.45gb 3g.90gb 4g.90gb 7g.180gb",  # B200
    )
    for profile in profiles.split()
)
"""Extended resources of MIG instances, of all cards that scheduler/mig knows."""


def cut_accelerator(known: Accelerator, resource_name: str) -> Accelerator:
    """Give what an instance of the accelerator is, if the resource is one of MIG: the memory in its name, and its share of the speed."""
    profile = _PROFILE.fullmatch(resource_name.removeprefix(MIG)) if resource_name.startswith(MIG) else None
    if profile is None:
        return known
    share = int(profile["compute"]) / _MIG_COMPUTE
    speed = {precision: round(speed * share, 1) for precision, speed in known.speed.items()}
    return replace(known, memory=f"{profile['memory']}Gi", resource_name=resource_name, speed=speed)


def find_accelerator(model: str) -> Accelerator | None:
    """Find what is known about a model; None for one that the catalogue does not have."""
    return _BY_MODEL.get(model)

"""What a local cluster remembers between two `up`: its ports, its fleet, what is installed."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from commonpool.errors import SetupError
from commonpool.local.credentials import write_private
from commonpool.local.fleet import Fleet


class Memory(BaseModel):
    """The content of a cluster's cluster.json."""

    model_config = ConfigDict(extra="forbid")

    fleet: Fleet | None = None
    pool: bool = Field(default=True, description="whether commonpool itself is installed, or only Kubernetes")
    operator: bool = Field(default=True, description="whether the operator is started")
    audit: bool = Field(default=True, description="whether writes are logged")
    fairness: bool = Field(default=True, description="whether the apiserver lets one user's requests wait for another's")
    recordings: bool = Field(default=True, description="whether the operator records its rounds for replay")
    real_nodes: int = Field(default=0, ge=0, description="so many nodes are real: kubelets that run what is placed on them")
    ports: dict[str, int] = Field(default_factory=dict)
    chart: str = Field(default="", description="digest of the chart that is installed")


def read_memory(path: Path) -> Memory:
    """Read it; a cluster that never was has the defaults."""
    try:
        return Memory.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Memory()
    except ValidationError as error:
        raise SetupError(f"`{path}` cannot be understood: {error}", hint="start over with `commonpool local up --fresh`") from error


def write_memory(path: Path, memory: Memory) -> None:
    """Write it at once."""
    write_private(path, memory.model_dump_json(indent=2, by_alias=True) + "\n")

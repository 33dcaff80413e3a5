"""What the environment may say, and where it is read: here and nowhere else."""

import socket
from pathlib import Path

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from commonpool.model.names import SYSTEM_NAMESPACE


class Settings(BaseSettings):
    """One process's settings: `COMMONPOOL_<NAME>` sets a field, the XDG folders and `KUBECONFIG` count as everywhere."""

    model_config = SettingsConfigDict(env_prefix="COMMONPOOL_", frozen=True, env_ignore_empty=True, extra="ignore", populate_by_name=True)

    kubeconfig: Path | None = Field(
        default=None,
        validation_alias=AliasChoices("COMMONPOOL_KUBECONFIG", "KUBECONFIG"),
        description="which cluster; none: the pod's own account, else ~/.kube/config",
    )
    namespace: str = Field(default=SYSTEM_NAMESPACE, description="where the control plane's own objects live (Lease, accounts)")
    libpacking: Path | None = Field(default=None, description="the native packing engine's shared library")
    http_host: str = Field(default="0.0.0.0", description="address of /metrics, /healthz and /readyz")  # noqa: S104 - probes come from the node
    http_port: int = Field(default=8080, ge=0, le=65535, description="port of /metrics, /healthz and /readyz")
    log_level: str = Field(default="info", description="debug, info, warning or error")
    identity: str | None = Field(default=None, description="name of this process in the Lease; none: the host's (a pod's) name")
    exempt_namespaces: str = Field(
        default="", description="comma-separated: namespaces that no tenant may have, as the policies' exemptNamespaces"
    )
    uncounted_resources: str = Field(
        default="", description="comma-separated: extended resources that pods may ask for beside accelerators"
    )
    start_seconds: int = Field(default=300, gt=0, description="so long a promised place is kept for a pod that cannot take it")
    max_min_runtime_seconds: int = Field(default=3600, ge=0, description="a longer minimum run time counts as this: others wait for it")
    max_grace_seconds: int = Field(
        default=600, ge=0, description="a longer grace for a last checkpoint, or for a pod to end, counts as this: others wait for it"
    )
    recordings: Path | None = Field(default=None, description="folder for the newest rounds that placed something, for `commonpool replay`")

    prometheus_url: str = Field(default="", description="where services' load is read; none: from their pods")
    prometheus_queries: dict[str, str] = Field(default_factory=dict, description="PromQL by `target.metric`, before the built-in ones")
    pods_socket: str = Field(default="", description="socket of an HTTP proxy by which pods are reached; none: directly")
    load_seconds: float = Field(default=15, gt=0, description="how often services' load is read")
    calm_seconds: int = Field(default=300, ge=0, description="a service keeps what it needed at any time in so many seconds")

    cluster: str = Field(default="default", description="which local cluster a command means when it says none")
    source: Path | None = Field(default=None, description="a checkout of commonpool, for `local`; none: the one this package runs from")
    cache_home: Path = Field(default=Path("~/.cache"), validation_alias=AliasChoices("XDG_CACHE_HOME"))
    state_home: Path = Field(default=Path("~/.local/state"), validation_alias=AliasChoices("XDG_STATE_HOME"))

    @property
    def holder(self) -> str:
        """Who we are in the Lease: a pod that is restarted is itself again, and leads again at once."""
        return self.identity or socket.gethostname()

    @property
    def reserved(self) -> frozenset[str]:
        """Namespaces that no tenant may have."""
        return _split(self.exempt_namespaces) | {self.namespace}

    @property
    def uncounted(self) -> frozenset[str]:
        """Extended resources that are no accelerators and need no promise."""
        return _split(self.uncounted_resources)

    @property
    def cache_dir(self) -> Path:
        """What can be made again: built binaries, a Go toolchain."""
        return self.cache_home.expanduser() / "commonpool"

    @property
    def state_dir(self) -> Path:
        """What a local cluster remembers, a folder a cluster."""
        return self.state_home.expanduser() / "commonpool"


def _split(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(",") if part.strip())


def read_settings() -> Settings:
    """Read the environment once, at the edge; everything below is handed what it needs."""
    return Settings()

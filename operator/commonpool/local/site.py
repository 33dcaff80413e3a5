"""What the processes of one cluster have in common when they are put together."""

from dataclasses import dataclass

from commonpool.errors import SetupError
from commonpool.local.binaries import Binaries
from commonpool.local.client import Client
from commonpool.local.credentials import ADMIN, read_tokens
from commonpool.local.memory import Memory, write_memory
from commonpool.local.places import Places
from commonpool.local.ports import becomes_free, find_free_ports, is_free

_PATIENCE_SECONDS = 5  # the threads of a killed process hold its sockets for a moment longer


@dataclass(slots=True)
class Site:
    """One cluster's folder, memory and binaries.

    `pinned`: other processes run that know the remembered ports. `serving`: the process that is being put together has its ports already.
    """

    places: Places
    memory: Memory
    binaries: Binaries
    pinned: bool = False
    serving: bool = False

    def claim_port(self, name: str) -> int:
        """Take the remembered port, or a new one if that is taken and nobody relies on it."""
        port = self.memory.ports.get(name)
        if port is not None and (self.serving or is_free(port)):
            return port
        if port is not None and self.pinned:
            if becomes_free(port, _PATIENCE_SECONDS):
                return port
            raise SetupError(
                f"port {port} of `{name}` was taken by another program while it was down",
                hint=f"`commonpool local down --name {self.places.name}`, then `up` again, takes new ports",
            )
        self.memory.ports[name] = find_free_ports(1)[0]
        write_memory(self.places.memory, self.memory)
        return self.memory.ports[name]

    def url(self, name: str, *, scheme: str = "https") -> str:
        """Where the process that claimed the port serves."""
        return f"{scheme}://127.0.0.1:{self.memory.ports[name]}"

    def client(self) -> Client:
        """The admin's client."""
        return Client(self.url("apiserver"), token=read_tokens(self.places)[ADMIN], authority=self.places.pki / "apiserver.crt")

"""An MPI program over the pods of an HPC workload, by the contract of docs/children.md: rank 0 runs `mpirun` with its hostfile.

`mpirun` starts its daemons on the other pods by a command in place of `rsh`: here this very program, which sends the command line to
itself there.
"""

import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

PORT = 2222
ITSELF = Path("/tmp/program.py")  # noqa: S108 - in the container
ENOUGH = Path("/tmp/enough")  # noqa: S108 - the same
"""There when the ranks have waited enough."""
END = "end"
HELLO = """
from mpi4py import MPI
import socket
world = MPI.COMM_WORLD
hosts = world.gather(socket.gethostname())
total = world.allreduce(world.rank)
if world.rank == 0:
    print(world.size, total, *hosts, flush=True)
"""


def send(host: str, command: str) -> None:
    """Let the pod `host`, which may not be there yet, run a command line, and wait until it has."""
    with connect(host) as connection:
        connection.settimeout(None)
        connection.sendall(command.encode())
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)


def connect(host: str) -> socket.socket:
    for _ in range(1800):
        with suppress(OSError):
            return socket.create_connection((host, PORT), timeout=5)
        time.sleep(0.1)
    raise TimeoutError(host)


def serve() -> None:
    """Run what comes in, until it is the end."""
    with socket.create_server(("", PORT)) as server:
        while True:
            connection, _ = server.accept()
            with connection, connection.makefile() as words:
                if (command := words.read()) == END:
                    return
                subprocess.run(["/bin/sh", "-c", command], check=True)


def lead() -> None:
    """Run the program twice on each host of the hostfile."""
    while not ENOUGH.exists():
        time.sleep(0.1)
    hosts = [line.split()[0] for line in Path(os.environ["COMMONPOOL_HOSTFILE"]).read_text(encoding="utf-8").splitlines()]
    options = {
        "orte_keep_fqdn_hostnames": "1",  # a pod is known by its whole name only
        "plm_rsh_agent": f"/usr/bin/python3 {ITSELF}",
        "pml": "ob1",
        "btl": "tcp,self",
        "btl_tcp_if_include": "eth0",
    }
    subprocess.run(
        [
            *("mpirun.openmpi", "--allow-run-as-root", "--hostfile", os.environ["COMMONPOOL_HOSTFILE"], "--npernode", "2"),
            *(word for name, value in options.items() for word in ("--mca", name, value)),
            *("/usr/bin/python3", "-c", HELLO),
        ],
        check=True,
    )
    for host in hosts[1:]:
        send(host, END)


if __name__ == "__main__":
    if sys.argv[1:]:
        send(sys.argv[1], " ".join(sys.argv[2:]))
    elif os.environ["COMMONPOOL_RANK"] == "0":
        lead()
    else:
        serve()

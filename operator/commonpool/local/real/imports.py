"""Gives an image to a node that runs."""

import subprocess
from pathlib import Path

from commonpool.errors import SetupError
from commonpool.local.pids import Identity


def import_image(node: Identity, image: Path) -> None:
    """Let the node's containerd take the tar; it keeps it until the cluster is deleted. An image of that name is replaced."""
    first = Path(f"/proc/{node.pid}/task/{node.pid}/children").read_text(encoding="ascii").split()
    if not first:
        raise SetupError("the node has not booted yet", hint="wait until it is ready, and try again")
    with image.open("rb") as content:
        answer = subprocess.run(
            ["nsenter", f"--target={first[0]}", "--mount", "--root", "ctr", "--namespace=k8s.io", "images", "import", "-"],  # noqa: S607 - util-linux
            stdin=content,
            capture_output=True,
            text=True,
            check=False,
        )
    if answer.returncode != 0:
        raise SetupError(f"the image `{image}` cannot be imported:\n\n{answer.stderr.strip()}")

"""Runs `ip`, of the nodes' root folder: the machine itself may have none."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from commonpool.errors import SetupError


def run_ip(root: Path, commands: Sequence[str]) -> None:
    """Run the commands, one after the other, in the caller's network namespace; the first that fails ends it."""
    answer = subprocess.run(
        ["chroot", root, "ip", "-batch", "-"],  # noqa: S607 - Debian's own
        input="".join(f"{command}\n" for command in commands),
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise SetupError(f"the network of the real nodes cannot be made:\n\n{answer.stderr.strip()}")

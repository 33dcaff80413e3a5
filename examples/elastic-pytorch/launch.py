"""A pod's first process: runs `torchrun`, which meets the other pods at rank 0 and starts train.py as this pod's worker.

Two things torchrun does not do by itself. Rank 0, where all meet, may be lost: then torchrun fails everywhere, and is begun anew. And a pod
that is to go stays away until it is taken, so that the others need not count on it.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

FIRST = os.environ["COMMONPOOL_RANK"] == "0"
FOLDER = Path(os.environ.get("CHECKPOINT_FOLDER", "/checkpoints"))
CHECKPOINT = FOLDER / "checkpoint.pt"
AWAY_UNTIL = FOLDER / f"away-until-{os.environ['COMMONPOOL_RANK']}"
"""When the pool has had its time to take this pod; train.py writes it."""
TRIES = 5
TORCHRUN = (
    *("-m", "torch.distributed.run", "--nproc_per_node=1", "--max_restarts=100", "--monitor_interval=1"),
    # Before PyTorch 2 rank 0 does not recognise itself by the name that the others reach it by.
    f"--rdzv_conf=is_host={int(FIRST)},last_call_timeout=5,read_timeout=30",
    # PyTorch 1.13 with Python 3.11 does not understand its own default of these; this is the same, there being one worker, number 0.
    *("--redirects=1:1", "--tee=1:1"),
)


def launch() -> None:
    """Run torchrun until the training is done."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # not 0: this rank's work is not done
    tries, newest = 0, 0.0
    while tries < TRIES:
        torchrun = subprocess.Popen([sys.executable, *TORCHRUN, Path(__file__).with_name("train.py")])
        try:
            if torchrun.wait() == 0:
                return
        finally:
            torchrun.terminate()
            torchrun.wait()
        written = CHECKPOINT.stat().st_mtime if CHECKPOINT.exists() else 0.0
        tries, newest = (1 if written > newest else tries + 1), written
        time.sleep(read_pause_seconds())
    sys.exit(f"torchrun failed {TRIES} times, and no checkpoint was written")


def read_pause_seconds() -> float:
    """How long this pod stays away."""
    with suppress(FileNotFoundError):
        until = float(AWAY_UNTIL.read_text(encoding="ascii"))
        AWAY_UNTIL.unlink()
        return max(1.0, until - time.time())
    return 1.0


if __name__ == "__main__":
    launch()

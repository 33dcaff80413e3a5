"""An elastic training with PyTorch: it goes on from its last step while the pool takes places from it and gives them back.

Each pod runs this file. Its first process starts `torchrun`, which meets the other pods at rank 0 and starts the file again as this pod's
worker. The pods train together with DDP over gloo. They stop together, with a checkpoint, before each change: the pool wants places back
(the file COMMONPOOL_RESIZE_FILE of rank 0 says so), or `torchrun` ends its worker because pods have come. Who is to go then waits for his
end; the others meet again, and go on from the checkpoint. Every pod keeps one; all begin with the newest that any of them has, so only the
loss of all pods loses it, or not even that if CHECKPOINT_FOLDER is a volume that stays.
"""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

POD = int(os.environ["COMMONPOOL_RANK"])
RESIZE = Path(os.environ["COMMONPOOL_RESIZE_FILE"])
FOLDER = Path(os.environ.get("CHECKPOINT_FOLDER", "/checkpoints"))
STEPS = int(os.environ.get("STEPS", "3000"))
STEP_SECONDS = float(os.environ.get("STEP_SECONDS", "0.1"))
CHECKPOINT_STEPS = 25
CHECKPOINT = FOLDER / "checkpoint.pt"
AWAY_UNTIL = FOLDER / f"away-until-{POD}"

TRIES = 5
RATE, MOMENTUM = 1e-4, 0.9
POINTS, FEATURES = 840, 4  # as many points for each of 1 to 8 ranks
AGAIN = 75
"""Exit code of a worker that has saved its work, and wants its torchrun to meet the others again."""
TORCHRUN = (
    *("-m", "torch.distributed.run", "--nproc_per_node=1", "--max_restarts=100", "--monitor_interval=1"),
    # Before PyTorch 2 rank 0 does not recognise itself by the name that the others reach it by.
    f"--rdzv_conf=is_host={int(POD == 0)},last_call_timeout=3,read_timeout=30",
    # PyTorch 1.13 does not understand its own default of these with Python 3.11; this is the same, there being one worker, number 0.
    *("--redirects=1:1", "--tee=1:1"),
)


def launch() -> None:
    """Run torchrun until the training is done. It fails when rank 0, where all meet, is lost: then begin anew."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # not 0: this rank's work is not done
    tries, seen = 0, 0.0
    while tries < TRIES:
        agent = subprocess.Popen([sys.executable, *TORCHRUN, __file__])
        try:
            if agent.wait() == 0:
                return
        finally:
            agent.terminate()
            agent.wait()
        saved = CHECKPOINT.stat().st_mtime if CHECKPOINT.exists() else 0.0
        tries, seen = (1 if saved > seen else tries + 1), saved
        time.sleep(read_pause_seconds())
    sys.exit(f"torchrun failed {TRIES} times, and not a checkpoint was written")


def read_pause_seconds() -> float:
    """How long this pod stays away: while the pool may take it, else a second."""
    with suppress(FileNotFoundError):
        until = float(AWAY_UNTIL.read_text(encoding="ascii"))
        AWAY_UNTIL.unlink()
        return max(1.0, until - time.time())
    return 1.0


def train() -> None:
    """One worker: from the newest checkpoint to the end, or until all of them stop."""
    import torch
    import torch.distributed as dist
    from torch.nn.parallel import DistributedDataParallel

    torch.set_default_dtype(torch.float64)
    dist.init_process_group("gloo", timeout=timedelta(seconds=60))
    rank, world = dist.get_rank(), dist.get_world_size()
    numbers = torch.arange(rank, POINTS, world).unsqueeze(1)
    points = torch.cos(numbers * torch.arange(1, FEATURES + 1))
    wanted = points.sum(1, keepdim=True) + 1
    model = torch.nn.Linear(FEATURES, 1)
    torch.nn.init.zeros_(model.weight)
    torch.nn.init.zeros_(model.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM)

    def begin() -> int:
        """Take over the newest checkpoint that any rank has; its step."""
        mine: dict[str, Any] = torch.load(CHECKPOINT) if CHECKPOINT.exists() else {"step": 0}
        steps: list[int] = [0] * world
        dist.all_gather_object(steps, mine["step"])
        newest = [mine]
        dist.broadcast_object_list(newest, src=steps.index(max(steps)))
        if newest[0]["step"]:
            model.load_state_dict(newest[0]["model"])
            optimizer.load_state_dict(newest[0]["optimizer"])
        return int(newest[0]["step"])

    def save(step: int) -> None:
        """Return when every rank has it on its disk: what is told as saved is there, whoever dies."""
        fresh = CHECKPOINT.with_suffix(f".{POD}")
        with fresh.open("wb") as file:
            torch.save({"step": step, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(CHECKPOINT)
        folder = os.open(FOLDER, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
        dist.barrier()

    step = begin()
    tell(begins_at=step, world=world)
    ending = Ending()
    together = DistributedDataParallel(model)
    told = 0
    while step < STEPS:
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(together(points), wanted)
        loss.backward()
        optimizer.step()
        step += 1
        resize, until = read_resize()
        shared = torch.tensor([loss.item() / world, ending.asked, resize, until])
        dist.all_reduce(shared)
        total, asked, told, until = shared.tolist()
        tell(step=step, loss=total, world=world)
        stop = asked > 0 or 0 < told < world
        if stop or step % CHECKPOINT_STEPS == 0 or step == STEPS:
            save(step)
            tell(saved=step, world=world, told=int(told))
        if stop:
            leave(ending, int(told), until)
        time.sleep(STEP_SECONDS)
    dist.destroy_process_group()


class Ending:
    """Whether somebody has asked this process to end."""

    def __init__(self) -> None:
        self.asked = False
        signal.signal(signal.SIGTERM, self._note)

    def _note(self, *_: object) -> None:
        self.asked = True


def leave(ending: Ending, told: int, until: float) -> NoReturn:
    """Let torchrun go on: with the others, or, if this pod is to go, not before the pool has had the time to take it."""
    if 0 < told <= POD:
        AWAY_UNTIL.write_text(str(until), encoding="ascii")
        os.kill(os.getppid(), signal.SIGTERM)
    elif not told:  # pods have come: torchrun sees it a moment later here than where it was seen first
        give_up_at = time.monotonic() + 3
        while not ending.asked and time.monotonic() < give_up_at:
            time.sleep(0.05)
    os._exit(AGAIN)  # the connections end with the process: the other ranks may be gone already


def read_resize() -> tuple[int, float]:
    """What rank 0 has been told: the size to shrink to (0: nothing), and when this pod may think that it was withdrawn."""
    if POD == 0:
        with suppress(OSError, ValueError):
            told = json.loads(RESIZE.read_text(encoding="utf-8"))
            return told["replicas"], datetime.fromisoformat(told["at"]).astimezone(UTC).timestamp() + 10
    return 0, 0.0


def tell(**what: object) -> None:
    """One line of JSON, by rank 0."""
    if POD == 0:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    if "TORCHELASTIC_RUN_ID" in os.environ:
        train()
    else:
        launch()

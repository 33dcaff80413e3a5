"""An elastic training with PyTorch: it goes on from its last step while the pool takes places from it and gives them back.

torchrun starts this file in each pod (launch.py). The workers train together with DDP over gloo, and before each change they stop together,
with a checkpoint: when the pool wants places back (the file COMMONPOOL_RESIZE_FILE of rank 0 says so), and when torchrun ends a worker
because pods have come or go. Then torchrun lets those that stay meet again. Every pod keeps the checkpoint, and all begin with the newest
that any of them has: no one pod's end loses it. If CHECKPOINT_FOLDER is a volume that stays, not even the end of all does.
"""

import json
import os
import signal
import sys
import time
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import torch
import torch.distributed as dist
from launch import AWAY_UNTIL, CHECKPOINT, FOLDER
from torch.nn.functional import mse_loss
from torch.nn.parallel import DistributedDataParallel

POD = int(os.environ["COMMONPOOL_RANK"])
RESIZE = Path(os.environ["COMMONPOOL_RESIZE_FILE"])
STEPS = int(os.environ.get("STEPS", "3000"))
STEP_SECONDS = float(os.environ.get("STEP_SECONDS", "0.1"))
CHECKPOINT_STEPS = 25
RATE, MOMENTUM = 1e-4, 0.9
POINTS, FEATURES = 840, 4  # as many points for each of 1 to 8 ranks
AGAIN = 75
"""Exit code of a worker that has saved its work, and wants its torchrun to meet the others again."""


class Training:
    """A linear model of known weights; one step of all ranks is the same whatever their number."""

    def __init__(self, rank: int, world: int) -> None:
        numbers = torch.arange(rank, POINTS, world).unsqueeze(1)
        self._points = torch.cos(numbers * torch.arange(1, FEATURES + 1))
        self._wanted = self._points.sum(1, keepdim=True) + 1
        self._model = torch.nn.Linear(FEATURES, 1)
        torch.nn.init.zeros_(self._model.weight)
        torch.nn.init.zeros_(self._model.bias)
        self._optimizer = torch.optim.SGD(self._model.parameters(), lr=RATE, momentum=MOMENTUM)
        self._world = world
        self.step = 0
        self._take_over()
        self._together = DistributedDataParallel(self._model)

    def _take_over(self) -> None:
        """Begin with the newest checkpoint that any rank has."""
        mine: dict[str, Any] = torch.load(CHECKPOINT) if CHECKPOINT.exists() else {"step": 0}
        steps = [0] * self._world
        dist.all_gather_object(steps, mine["step"])
        newest = [mine]
        dist.broadcast_object_list(newest, src=steps.index(max(steps)))
        self.step = newest[0]["step"]
        if self.step:
            self._model.load_state_dict(newest[0]["model"])
            self._optimizer.load_state_dict(newest[0]["optimizer"])

    def advance(self) -> float:
        """Do a step; this rank's loss."""
        self._optimizer.zero_grad()
        loss = mse_loss(self._together(self._points), self._wanted)
        loss.backward()
        self._optimizer.step()
        self.step += 1
        return float(loss)

    def save(self) -> None:
        """Return when every rank has it on its disk: what is told as saved is there, whoever dies."""
        fresh = CHECKPOINT.with_suffix(f".{POD}")
        with fresh.open("wb") as file:
            torch.save({"step": self.step, "model": self._model.state_dict(), "optimizer": self._optimizer.state_dict()}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(CHECKPOINT)
        folder = os.open(FOLDER, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
        dist.barrier()


class Ending:
    """Whether torchrun has asked this worker to end."""

    def __init__(self) -> None:
        self.asked = False
        signal.signal(signal.SIGTERM, self._note)

    def _note(self, *_: object) -> None:
        self.asked = True


def train() -> None:
    """Train to the end, or until all workers stop."""
    torch.set_default_dtype(torch.float64)
    dist.init_process_group("gloo", timeout=timedelta(seconds=60))
    world = dist.get_world_size()
    training = Training(dist.get_rank(), world)
    tell(begins_at=training.step, world=world)
    ending = Ending()
    while training.step < STEPS:
        loss = training.advance()
        shared = torch.tensor([loss / world, ending.asked, *read_resize()])
        dist.all_reduce(shared)
        mean, asked, told, until = shared.tolist()
        tell(step=training.step, loss=mean, world=world)
        stop = asked > 0 or 0 < told < world
        if stop or training.step % CHECKPOINT_STEPS == 0 or training.step == STEPS:
            training.save()
            tell(saved=training.step, world=world, told=int(told))
        if stop:
            leave(ending, int(told), until)
        time.sleep(STEP_SECONDS)
    dist.destroy_process_group()


def leave(ending: Ending, told: int, until: float) -> NoReturn:
    """Let torchrun go on: with the others, or, if this pod is to go, not before the pool has had its time to take it."""
    if 0 < told <= POD:
        AWAY_UNTIL.write_text(str(until), encoding="ascii")
        os.kill(os.getppid(), signal.SIGTERM)
    elif not told:  # torchrun sees here a moment later what it has seen elsewhere; a worker that ends by itself counts as failed
        give_up_at = time.monotonic() + 3
        while not ending.asked and time.monotonic() < give_up_at:
            time.sleep(0.05)
    os._exit(AGAIN)  # the connections end with the process: the other ranks may be gone already


def read_resize() -> tuple[int, float]:
    """What rank 0 has been told: the size to shrink to (0: nothing), and when a pod that is still there may come back."""
    if POD == 0:
        with suppress(OSError, ValueError):
            told = json.loads(RESIZE.read_text(encoding="utf-8"))
            return told["replicas"], datetime.strptime(told["at"], "%Y-%m-%dT%H:%M:%S%z").timestamp() + 10
    return 0, 0.0


def tell(**what: object) -> None:
    """One line of JSON, by rank 0."""
    if POD == 0:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    train()

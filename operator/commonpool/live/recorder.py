"""Keeps the rounds that placed something as files, for replay: a bug report becomes a test."""

from collections import deque
from itertools import count
from pathlib import Path

from commonpool.cycle import Cycle
from commonpool.model.plan import Plan
from commonpool.sim.replay import render_recording

MOST_FILES = 64


class Recorder:
    """Writes into `folder` if there is one: the newest 64 rounds, those of earlier lives of the process included."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._written: deque[Path] = deque()
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._written.extend(sorted(folder.glob("round-*.json")))

    def keep(self, cycle: Cycle) -> None:
        """Write a round down if it did something; a file under that name is always whole."""
        plan = cycle.plan
        if self._folder is None or not (plan.place or plan.shrink or plan.evict or plan.scale):
            return
        path = self._find_free(self._folder, plan)
        draft = path.with_suffix(".draft")
        draft.write_text(render_recording(cycle), encoding="utf-8")
        draft.replace(path)
        self._written.append(path)
        while len(self._written) > MOST_FILES:
            self._written.popleft().unlink(missing_ok=True)

    def _find_free(self, folder: Path, plan: Plan) -> Path:
        """A round that only shrinks, evicts or scales writes no Round and leaves its number to the next: both are kept, in their order."""
        written = set(self._written)
        names = (folder / f"round-{plan.epoch:06d}-{plan.number:010d}-{nth:03d}.json" for nth in count(1))
        return next(path for path in names if path not in written)

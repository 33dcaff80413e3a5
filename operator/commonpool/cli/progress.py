"""Progress of long work on stderr: a live bar on a terminal, else one plain line now and then."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

_PLAIN_SECONDS = 15.0
_ENDINGS = (signal.SIGTERM, signal.SIGHUP)


class ConsoleTeller:
    """Tells on stderr: a live bar on a terminal, else one plain line now and then."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = self._last = time.monotonic()
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def say(self, sentence: str) -> None:
        """Print a step with the seconds since the beginning."""
        self._end_bar()
        self._last = time.monotonic()
        self._console.print(f"[dim]{self._elapsed():>4}s[/]  {sentence}", highlight=False, soft_wrap=True)

    def advance(self, what: str, done: int, total: int) -> None:
        """Move the bar, or print a line if the last one is 15 seconds old."""
        if self._console.is_terminal:
            self._move_bar(what, done, total)
        elif time.monotonic() - self._last >= _PLAIN_SECONDS:
            self.say(what + (f": {done} of {total}" if total else f": {done}" if done else ""))

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._end_bar()

    def _elapsed(self) -> int:
        return round(time.monotonic() - self._began)

    def _move_bar(self, what: str, done: int, total: int) -> None:
        if self._progress is None:
            columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._progress = Progress(*columns, console=self._console, transient=True)
            self._progress.start()
            self._task = self._progress.add_task(what, total=None)
        if self._task is not None:
            self._progress.update(self._task, description=what, completed=done, total=total or None)

    def _end_bar(self) -> None:
        if self._progress is not None:
            self._progress.stop()
        self._progress = self._task = None


@contextmanager
def telling() -> Iterator[ConsoleTeller]:
    """Tell on stderr; SIGTERM and a closed terminal end the work as Ctrl-C does, so that nothing is left half-started."""
    teller = ConsoleTeller(Console(file=sys.stderr))

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in _ENDINGS if signal.getsignal(number) is not signal.SIG_IGN}
    try:
        yield teller
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        teller.close()

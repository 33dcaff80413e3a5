"""What every packing has in common: it is open until it is closed, once."""

from typing import TYPE_CHECKING, Self

from commonpool.engine.protocol import Fault
from commonpool.errors import EngineError

if TYPE_CHECKING:
    from types import TracebackType


class Closing:
    """Closed by `close` or at the end of a `with`; then `_check_open` refuses."""

    _closed = False

    def close(self) -> None:
        """Forget the fleet."""
        if not self._closed:
            self._closed = True
            self._forget()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None") -> None:
        self.close()

    def _forget(self) -> None:
        """Give back what Python does not free by itself; here nothing."""

    def _check_open(self) -> None:
        if self._closed:
            raise EngineError("the packing is closed", code=Fault.BAD_HANDLE)

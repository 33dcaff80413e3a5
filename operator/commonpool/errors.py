"""Every error commonpool raises on purpose; the class says who must act.

CommonpoolError
├── UserError       who wrote the manifest or typed the command: told as a False condition or an exit code, never retried
├── SetupError      who installed it: a file, a binary or a right is missing
├── ClusterError    nobody yet: the cluster did not answer as it should; retried
│   ├── ConflictError    somebody else was faster: read again, decide again
│   ├── ApiError         what the apiserver answered instead (`kube.errors` has its branches)
│   ├── RefusedError     the same where only a local cluster is set up or asked (`local.client`)
│   └── NotLeadingError  this process leads no longer and must not write (`live.operator`)
└── BugError        we: one part broke its contract with another
    └── EngineError     the packing engine refused what it was given
"""


class CommonpoolError(Exception):
    """What went wrong, in lower case with the value in backticks, and the way out if we know it."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n\nhint: {self.hint}" if self.hint else self.message


class UserError(CommonpoolError):
    """A wish that cannot be fulfilled as it was written."""


class SetupError(CommonpoolError):
    """Something this process needs is not on this machine or not allowed to it."""


class ClusterError(CommonpoolError):
    """The cluster did not answer as it should; the same call may succeed later."""


class ConflictError(ClusterError):
    """The object is not the one that was read, or exists already."""


class BugError(CommonpoolError):
    """A contract between two of our own parts was broken."""


class EngineError(BugError):
    """The packing engine refused a call; `code` is the C face's (see `engine.protocol.Fault`)."""

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message)
        self.code = code

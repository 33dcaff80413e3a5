"""What the apiserver may answer instead of what was asked for, translated once.

ApiError
├── NotFound            there is no such object (success, for a delete)
├── AlreadyExists       a create met an object of that name (success, if it is the same)
├── Conflict            the object is not the one that was meant: another UID, another version
├── Forbidden           our account lacks a right: whoever installed us must act, or wait: a new apiserver learns its roles first
├── Invalid             the object was refused as it is: schema, CEL, policy, quota, patch test
├── Gone                the version asked for is no longer kept: list again
├── TooManyRequests     later, after `retry_after_seconds`
└── Unavailable         no answer, or none that means anything; it may have been done nevertheless
"""

from http import HTTPStatus

import msgspec

from commonpool.errors import ClusterError


class ApiError(ClusterError):
    """An answer that is not a success; `status` is HTTP's, 0 if there was none."""

    def __init__(self, message: str, *, status: int = 0, reason: str = "", retry_after_seconds: float = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds


class NotFound(ApiError):  # noqa: N818 the words of the API
    """There is no such object."""


class AlreadyExists(ApiError):  # noqa: N818
    """An object of that name exists."""


class Conflict(ApiError):  # noqa: N818
    """The object is not the one that was meant."""


class Forbidden(ApiError):  # noqa: N818
    """Our account may not do this."""


class Invalid(ApiError):  # noqa: N818
    """The object was refused as it is; the same again will be refused again."""


class Gone(ApiError):  # noqa: N818
    """The version asked for is no longer kept."""


class TooManyRequests(ApiError):  # noqa: N818
    """The apiserver asks for a pause."""


class Unavailable(ApiError):  # noqa: N818
    """No answer that tells whether it was done."""


class _Details(msgspec.Struct, rename="camel"):
    retry_after_seconds: int = 0


class _Status(msgspec.Struct):
    message: str = ""
    reason: str = ""
    code: int = 0
    details: _Details | None = None


_BY_STATUS: dict[int, type[ApiError]] = {
    HTTPStatus.BAD_REQUEST: Invalid,
    HTTPStatus.UNAUTHORIZED: Forbidden,
    HTTPStatus.FORBIDDEN: Forbidden,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.GONE: Gone,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Invalid,
    HTTPStatus.UNPROCESSABLE_ENTITY: Invalid,
    HTTPStatus.TOO_MANY_REQUESTS: TooManyRequests,
}


_AUTHORIZERS_WORDS = ' is forbidden: User "'


def translate_status(body: bytes, status: int = 0, retry_after: str = "") -> ApiError:
    """The error that a metav1.Status (an answer's body, or a watch's ERROR event) means."""
    try:
        told = msgspec.json.decode(body, type=_Status)
    except msgspec.MsgspecError:
        told = _Status(message=body[:200].decode(errors="replace"))
    status = status or told.code
    kind = _BY_STATUS.get(status, Unavailable)
    if told.reason == "AlreadyExists":
        kind = AlreadyExists
    elif told.reason in {"Expired", "Gone"}:
        kind = Gone
    elif kind is Invalid and "metadata.uid: Invalid value" in told.message:
        kind = Conflict  # a patch with a UID met another object of that name
    elif kind is Forbidden and "status unknown for quota" in told.message:
        kind = TooManyRequests  # a ResourceQuota that is seconds old
    elif status == HTTPStatus.FORBIDDEN and _AUTHORIZERS_WORDS not in told.message:
        kind = Invalid  # admission has the same code: it has looked at the object, and not at who asks
    seconds = float(retry_after) if retry_after.isdigit() else float(told.details.retry_after_seconds if told.details else 0)
    return kind(told.message or f"the apiserver answered {status}", status=status, reason=told.reason, retry_after_seconds=seconds)

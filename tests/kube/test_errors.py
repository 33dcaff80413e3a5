import json

import pytest

from commonpool.kube.client import pause_seconds
from commonpool.kube.errors import (
    AlreadyExists,
    ApiError,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    TooManyRequests,
    Unavailable,
    translate_status,
)


def status(code: int, reason: str = "", message: str = "") -> bytes:
    return json.dumps({"kind": "Status", "code": code, "reason": reason, "message": message}).encode()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (status(404, "NotFound"), NotFound),
        (status(409, "AlreadyExists"), AlreadyExists),
        (status(409, "Conflict"), Conflict),
        (status(403, "Forbidden", 'jobs.batch "it" is forbidden: User "me" cannot create resource "jobs"'), Forbidden),
        (status(403, "Forbidden", 'jobs.batch "it" is forbidden: exceeded quota: commonpool-objects'), Invalid),
        (status(403, "Forbidden", 'ValidatingAdmissionPolicy "mine" with binding "mine" denied request: no'), Invalid),
        (status(401, "Unauthorized"), Forbidden),
        (status(422, "Invalid"), Invalid),
        (status(422, "Invalid", "metadata.uid: Invalid value: field is immutable"), Conflict),
        (status(403, "Forbidden", "status unknown for quota: commonpool-objects"), TooManyRequests),
        (status(410, "Expired"), Gone),
        (status(500, "Expired"), Gone),
        (status(429, "TooManyRequests"), TooManyRequests),
        (status(500, "InternalError"), Unavailable),
        (status(504, "Timeout"), Unavailable),
        (b"<html>bad gateway</html>", Unavailable),
        (b"", Unavailable),
    ],
)
def test_each_answer_says_who_must_act(body: bytes, kind: type[ApiError]) -> None:
    assert type(translate_status(body)) is kind


def test_the_sentence_of_the_apiserver_is_kept() -> None:
    assert str(translate_status(status(403, "Forbidden", "you may not"))) == "you may not"
    assert str(translate_status(b"", 502)) == "the apiserver answered 502"


def test_a_pause_is_what_the_apiserver_asks_for_or_grows_to_a_bound() -> None:
    asked = translate_status(status(429), 429, "7")
    assert pause_seconds(0, 0.5, asked) == 7.5
    pauses = [pause_seconds(attempt, 0.0) for attempt in range(12)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0.1, 2.0)
    assert pause_seconds(0, 1.0) == 0.2

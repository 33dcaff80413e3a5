"""What kopf is told to do with our own kinds."""

import inspect
import re
from collections.abc import Iterable
from itertools import islice

from kubernetes.aio.client import Configuration

from commonpool.api.names import KEY_PATTERN
from commonpool.live.watch import WATCHED, build_registry, build_settings


def test_every_handler_runs_in_the_loop_and_never_in_a_thread_beside_a_round() -> None:
    registry = build_registry(lambda *_: None, Configuration())
    handlers = registry._watching.get_all_handlers()  # noqa: SLF001 kopf shows them nowhere else
    assert {str(handler.id) for handler in handlers} == set(WATCHED)
    assert all(inspect.iscoroutinefunction(handler.fn) for handler in handlers)


def test_no_object_can_bear_a_finalizer_that_kopf_would_take_off() -> None:
    """A tenant could write it, and the operator would patch what it has no right to."""
    assert not re.fullmatch(KEY_PATTERN, build_settings().persistence.finalizer)


def test_an_apiserver_that_was_away_for_long_is_asked_again_within_seconds_and_never_given_up() -> None:
    backoffs = build_settings().networking.error_backoffs
    assert isinstance(backoffs, Iterable)
    for _ in ("one request", "the next"):
        seconds = list(islice(backoffs, 1000))
        assert len(seconds) == 1000
        assert max(seconds) <= 2

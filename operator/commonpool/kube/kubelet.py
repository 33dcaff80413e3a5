"""What a kubelet says of containers that do not start."""

import re

from commonpool.kube.records import PodStatus, Waiting

PASSING = frozenset({"", "ContainerCreating", "PodInitializing", "CrashLoopBackOff", "RunContainerError", "PostStartHookError"})
"""Not worth a word: it is on its way, or it was there once and ended, and is tried again and again: that would be told at each turn."""
LONGEST_REASON = 60
LONGEST_MESSAGE = 300

_PAUSE = re.compile(r'Back-off pulling image ".*?": (\w+): (.*)', re.DOTALL)
"""After a pull that failed its reason and message follow (kubelet's image manager, since Kubernetes 1.31)."""


def find_unstarted(status: PodStatus) -> str:
    """Why the first container that cannot start does not, e.g. `ErrImagePull: not found`; empty if all can.

    A pull that fails and the pause before the next read the same: they take turns, and nothing has changed.
    """
    if status.phase in {"Succeeded", "Failed"}:
        return ""
    for container in (*(status.init_container_statuses or ()), *(status.container_statuses or ())):
        waiting = container.state.waiting
        if waiting is not None and waiting.reason not in PASSING:
            return _describe(waiting)
    return ""


def _describe(waiting: Waiting) -> str:
    reason, message = waiting.reason, waiting.message
    if reason == "ImagePullBackOff" and (pause := _PAUSE.fullmatch(message)) is not None:
        reason, message = pause[1], pause[2]
    reason, message = _bound(reason, LONGEST_REASON), _bound(message, LONGEST_MESSAGE)
    return f"{reason}: {message}" if message else reason


def _bound(text: str, most: int) -> str:
    """On one line, nothing in it that a terminal would obey, and no longer than that."""
    plain = " ".join("".join(letter if letter.isprintable() else " " for letter in text[: 2 * most]).split())
    return plain if len(plain) <= most else f"{plain[: most - 3]}..."

"""What a kubelet says of containers: why they do not start, and when they ended."""

import re

from commonpool.kube.records import ContainerStatus, Pod, PodStatus, Waiting

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


def find_end(pod: Pod) -> int:
    """When the last container of a pod that has ended did, in seconds since 1970; 0: nobody says.

    The end of each that ran must be known, or the pod was longer than the others tell: a kubelet that ends a pod while a container waits
    to be started again, or that has lost it, writes no end of it (`ContainerStatusUnknown`), and where the node is lost it still runs.
    Init containers that are not sidecars are over before the others begin; of those, the runtime forgets when.
    """
    sidecars = {each.name for each in pod.spec.init_containers or () if each.restart_policy == "Always"}
    init = [each for each in pod.status.init_container_statuses or () if _ran(each)]
    main = [each for each in pod.status.container_statuses or () if _ran(each)]
    lasting = main + [each for each in init if each.name in sidecars]
    if not all(_find_end(each) for each in (lasting or init)):
        return 0
    return max((_find_end(each) for each in (*main, *init)), default=0)


def _ran(container: ContainerStatus) -> bool:
    state = container.state
    return state.running is not None or state.terminated is not None or container.last_state.terminated is not None


def _find_end(container: ContainerStatus) -> int:
    """The end before is the last one if it was to start again; 0: nobody says."""
    if container.state.running is not None:
        return 0
    told = (state.terminated for state in (container.state, container.last_state) if state.terminated is not None)
    ends = (int(each.finished_at.timestamp()) for each in told if each.finished_at is not None)
    return max(0, next(ends, 0))


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

"""Why no GPUWorkload stands for what somebody has written."""

from collections.abc import Awaitable, Callable

from commonpool.errors import UserError
from commonpool.kube.errors import Forbidden, NotFound
from commonpool.kube.mirror import READERS
from commonpool.kube.resources import DEPLOYMENTS, JOBS, PODS, STATEFUL_SETS, Resource

Get = Callable[[Resource, str, str], Awaitable[bytes]]
"""`Client.get`."""

_WRITTEN = (JOBS, DEPLOYMENTS, STATEFUL_SETS, PODS)


async def explain_absence(get: Get, namespace: str, name: str) -> UserError:
    """An object of that name that asks for no accelerator is named; others, and those that nobody may show, are not."""
    for resource in _WRITTEN:
        try:
            body = await get(resource, namespace, name)
        except (Forbidden, NotFound):
            continue
        if not READERS[resource].read(body).value.shape.extended:
            return UserError(
                f"{resource.kind} `{name}` in namespace `{namespace}` asks for no accelerator, so Kubernetes places it without the pool",
                hint="among the `limits` of a container, `nvidia.com/gpu: 1`, or what your cards are called, asks for one",
            )
    return UserError(
        f"there is no GPUWorkload `{name}` in namespace `{namespace}`",
        hint="`kubectl get gpuworkloads -A` lists them; `-n` says the namespace",
    )

"""What tests of taking back share."""

import pytest
from tests.kube.scene import Scene, elastic_body

from commonpool.kube.resources import GPU_WORKLOADS


@pytest.fixture
async def scene() -> Scene:
    scene = Scene()
    scene.put(GPU_WORKLOADS, elastic_body())
    scene.play(4)
    await scene.decide()
    return scene

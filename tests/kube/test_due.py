"""When the next round is due although nothing changes: else what only time brings would wait for the minute's look."""

from tests.kube.objects import hpc_body, training_body
from tests.kube.readings import NOW_AT
from tests.kube.scene import GRACE_SECONDS, Scene, instant, shrink
from tests.kube.stage import Stage

from commonpool.kube.errors import Invalid
from commonpool.kube.resources import GPU_WORKLOADS
from commonpool.model.reasons import Reason


async def test_a_round_is_due_when_a_job_may_start_as_its_start_time_says() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, hpc_body(startTime=instant(NOW_AT + 7).replace("Z", ".2Z")))
    await stage.settled()
    assert (stage.state("solver"), stage.cluster.next_due_at) == (Reason.WAITS_FOR_START_TIME, NOW_AT + 8)
    stage.now_at = NOW_AT + 8
    await stage.settled()
    assert stage.state("solver") == Reason.PLACED


async def test_a_start_time_is_told_in_utc_whatever_its_owner_wrote() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, hpc_body(startTime="2126-11-22T14:00:00+02:00"))
    await stage.settled()
    assert "starts at `2126-11-22T12:00:00Z`" in stage.status("solver")["wait"]["message"]


async def test_a_refusal_is_told_at_once_and_what_was_kept_for_it_is_free() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body())
    stage.api.faults["create Job pretrain"] = [Invalid("exceeded quota")]
    await stage.round()
    assert stage.cluster.next_due_at == stage.now_at
    await stage.round()
    assert stage.state() == Reason.CHILD_REFUSED
    assert stage.cluster.next_due_at == stage.now_at + 60


async def test_who_need_not_shrink_any_more_is_looked_at_again_at_once(scene: Scene) -> None:
    await scene.decide(shrink(2, NOW_AT + GRACE_SECONDS))
    await scene.decide(claimed=False)
    assert "resize" not in scene.status()
    assert scene.cluster.next_due_at == scene.now_at
    await scene.decide(claimed=False)
    assert scene.cluster.next_due_at != scene.now_at

"""A service's pods are replaced without a gap: the true operator and planner, and Kubernetes' controllers played step by step."""

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.kube.controllers import NAME, Serving

from commonpool.kube.errors import Invalid
from commonpool.kube.resources import GPU_WORKLOADS

MOST_STEPS = 60
QUIET_STEPS = 5  # longer than a pod waits for a place before it counts as one that gets none


async def settle(town: Serving, *, least: int) -> list[int]:
    """Go on until nothing changes any more; how many were ready after each step."""
    seen = []
    quiet = 0
    while quiet < QUIET_STEPS:
        before = town.look()
        await town.step_all()
        town.stage.now_at += 10
        quiet = quiet + 1 if town.look() == before else 0
        seen.append(len(town.ready()))
        assert seen[-1] >= least
        assert len(seen) < MOST_STEPS
    return seen


async def test_a_new_template_comes_and_no_pod_goes_before_another_is_ready() -> None:
    town = Serving(4, [8, 8])
    await town.begin()
    town.write(version="2")
    await settle(town, least=4)
    assert town.versions() == {"2"}
    assert len(town.living()) == 4
    assert town.stage.api.wrote().count("replace Deployment chat") == 1


async def test_what_else_changes_starts_no_pod_anew() -> None:
    town = Serving(2, [8])
    await town.begin()
    names = {pod["metadata"]["name"] for pod in town.living()}
    town.write(pods=3)
    await settle(town, least=2)
    assert len(town.living()) == 3
    assert names <= {pod["metadata"]["name"] for pod in town.living()}


async def test_a_template_loses_what_its_owner_took_out_of_it() -> None:
    town = Serving(1, [8])
    town.write()
    body = town.stage.api.find(GPU_WORKLOADS, NAME, "vision-dev")
    assert body is not None
    body["spec"]["inference"]["template"]["spec"]["nodeSelector"] = {"gpu": "h100"}
    town.stage.put(GPU_WORKLOADS, body)
    for _ in range(4):
        await town.step_all()
    assert town.deployment["spec"]["template"]["spec"]["nodeSelector"] == {"gpu": "h100"}
    town.write()
    await settle(town, least=1)
    assert "nodeSelector" not in town.deployment["spec"]["template"]["spec"]


@pytest.mark.parametrize("pods", [1, 2, 5])
async def test_pods_leave_a_cordoned_node_when_others_are_ready_in_their_stead(pods: int) -> None:
    town = Serving(pods, [8, 8])
    await town.begin()
    left = town.nodes()
    town.cordon(*left)
    await settle(town, least=pods)
    assert not town.nodes() & left
    assert len(town.living()) == pods


async def test_where_there_is_no_room_for_a_pod_more_a_new_version_takes_the_places_of_the_old_one_by_one_and_it_is_said() -> None:
    town = Serving(3, [3])
    await town.begin()
    town.write(version="2")
    seen = await settle(town, least=2)
    assert town.versions() == {"2"}
    assert seen[-1] == 3
    assert town.deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    assert list(dict.fromkeys(said.rpartition("; ")[2] for said in town.said if "version" in said)) == [
        "a new version comes pod by pod, a new one ready before an old one goes",
        "a new version comes pod by pod, an old one first, because there was no room for a pod more",
    ]
    assert "version" not in town.said[-1]


async def test_the_next_version_is_tried_with_a_pod_more_again() -> None:
    town = Serving(3, [3, 3])
    await town.begin()
    town.cordon("gpu-0" if "gpu-1" in town.nodes() else "gpu-1")
    town.write(version="2")
    await settle(town, least=2)
    town.cordon("gpu-0", "gpu-1", leave=False)
    town.write(version="3")
    await settle(town, least=3)
    assert town.versions() == {"3"}


async def test_a_new_version_that_needs_more_than_an_old_pod_gives_back_takes_nothing_from_it() -> None:
    town = Serving(2, [2])
    await town.begin()
    town.gpus = 2
    town.write(version="2")
    await settle(town, least=2)
    assert town.versions() == {"1", "2"}


async def test_pods_leave_their_node_one_by_one_where_quota_allows_none_more() -> None:
    town = Serving(2, [8, 8], limit=2)
    await town.begin()
    left = town.nodes()
    town.cordon(*left)
    seen = await settle(town, least=1)
    assert not town.nodes() & left
    assert seen[-1] == 2
    assert any(said.endswith("; `2` pods leave their nodes, one by one, because quota allows no pod more") for said in town.said)


async def test_pods_stay_on_a_cordoned_node_as_long_as_there_is_room_nowhere_else_and_it_is_said() -> None:
    town = Serving(2, [2, 1])
    await town.begin()
    town.cordon("gpu-0", "gpu-1")
    await settle(town, least=2)
    assert len(town.ready()) == 2
    assert town.said[-1].endswith("`2` pods leave their nodes, when others are ready in their stead")
    town.cordon("gpu-0", "gpu-1", leave=False)
    await settle(town, least=2)
    assert len(town.living()) == 2
    assert not any("pod-deletion-cost" in str(pod["metadata"].get("annotations")) for pod in town.living())


async def test_a_new_version_that_the_api_refuses_stops_nothing_and_is_said() -> None:
    town = Serving(2, [8, 8])
    await town.begin()
    town.stage.api.faults["replace Deployment chat"] = [Invalid("`image` is no image")]
    town.write(version="2")
    for _ in range(3):
        await town.step_all()
    assert town.said[-1].endswith("what runs stays as it is, because its new version was refused: `image` is no image")
    left = town.nodes()
    town.cordon(*left)
    town.write(version="3", pods=3)
    await settle(town, least=2)
    assert town.versions() == {"3"}
    assert not town.nodes() & left


async def test_a_service_whose_load_nobody_knows_keeps_its_size_while_its_pods_move() -> None:
    """What stands in for others is no load."""
    town = Serving(2, [8, 8])
    town.target = {"metric": "requestsPerSecond", "perReplica": "10"}
    await town.begin()
    left = town.nodes()
    town.cordon(*left)
    await settle(town, least=2)
    assert len(town.living()) == 2
    assert not town.nodes() & left


@settings(max_examples=15, phases=[Phase.generate])  # to shrink a history takes minutes, and it is short as it is
@given(data=st.data())
async def test_whatever_happens_when_a_move_takes_no_ready_pod_that_is_needed_and_ends(data: st.DataObject) -> None:
    """Law: never are fewer pods ready than before, never is more held than the limit allows, and in the end all is done."""
    pods = data.draw(st.integers(1, 5), "pods")
    town = Serving(pods, [4, 4, 8, 8], limit=data.draw(st.integers(pods + 1, 9), "limit"))
    await town.begin()
    changes = data.draw(st.sets(st.sampled_from(["cordon", "version"]), min_size=1), "changes")
    left = town.nodes() if "cordon" in changes else set[str]()
    town.cordon(*left)
    if "version" in changes:
        town.write(version="2")
    for _ in range(data.draw(st.integers(0, 40), "steps")):
        match data.draw(st.sampled_from(["round", "control", "bind", "start", "end", "wait", "restart"])):
            case "round":
                await town.stage.round()
            case "control":
                town.control()
            case "bind":
                town.bind()
            case "start":
                town.start(1)
            case "end":
                town.end()
            case "wait":
                town.stage.now_at += 20
            case "restart":
                town.restart()
        assert len(town.ready()) >= pods
        assert town.held() + town.promised() <= town.limit
    await settle(town, least=pods)
    assert len(town.living()) == pods
    assert town.versions() == {town.version}
    assert not town.nodes() & left

from pathlib import Path

import pytest

from commonpool.bench.scheduler import find_overcommitted
from commonpool.bench.trace import Trace, TracedNode, TracedPod, build_asks, count_on_cards, read_trace
from commonpool.config import read_settings
from commonpool.errors import UserError
from commonpool.local.binaries import Binaries
from commonpool.local.places import find_source
from commonpool.local.teller import LogTeller


def make_pod(name: str = "pod-00000", *, cards: int = 1, milli: int = 1000) -> TracedPod:
    return TracedPod(name, cpu_milli=1000, memory_mib=1024, cards=cards, milli=milli)


def make_bound(pod: TracedPod, node: str, card: str | None = None) -> dict[str, object]:
    annotations = {} if card is None else {"commonpool.dev/gpu-card": card}
    return {"metadata": {"name": pod.name, "annotations": annotations}, "spec": {"nodeName": node}}


def test_parts_of_several_cards_are_no_card() -> None:
    parts = [make_pod(milli=600)] * 3
    assert count_on_cards(2, parts) == 1200
    assert count_on_cards(2, [make_pod(milli=600), make_pod(milli=400), make_pod()]) == 2000
    assert count_on_cards(2, [make_pod(milli=100), make_pod(cards=2)]) == 100
    assert count_on_cards(2, [make_pod(cards=0, milli=0)]) == 0


def test_stock_is_asked_for_sums_and_ours_for_cards_or_a_part_of_one() -> None:
    assert build_asks(make_pod(cards=2), pooled=False) == {"cpu": "1000m", "memory": "1024Mi", "nvidia.com/gpu": "2"}
    assert build_asks(make_pod(cards=2), pooled=True) == {"cpu": "1000m", "memory": "1024Mi", "commonpool.dev/gpu-milli": "2000"}
    assert build_asks(make_pod(milli=470), pooled=False)["commonpool.dev/gpu-milli"] == "470"
    assert build_asks(make_pod(cards=0, milli=0), pooled=True) == {"cpu": "1000m", "memory": "1024Mi"}


def test_a_card_that_holds_too_much_is_found() -> None:
    first, second, whole = make_pod("a", milli=600), make_pod("b", milli=500), make_pod("c")
    trace = Trace((TracedNode("node", {}, 2),), (first, second, whole))
    fine = [make_bound(first, "node", "0"), make_bound(whole, "node")]
    assert find_overcommitted(trace, fine) == ()
    assert find_overcommitted(trace, [*fine, make_bound(second, "node", "0")]) == ("card 0 of node has 1100 milli",)
    assert find_overcommitted(trace, [*fine, make_bound(second, "node", "1")]) == ("node has 3 cards in use",)
    assert "card none of node" in find_overcommitted(trace, [make_bound(first, "node")])[0]


def test_a_list_is_read_in_the_order_of_the_seed(tmp_path: Path) -> None:
    settings = read_settings()
    program = Binaries(find_source(settings), settings.cache_dir, LogTeller()).find("replay")
    nodes, pods = tmp_path / "nodes.csv", tmp_path / "pods.csv"
    nodes.write_text("sn,cpu_milli,memory_mib,gpu,model\nb,8000,100,2,X\nnone,8000,100,0,\na,4000,100,4,Y\n")
    header = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec\n"
    pods.write_text(f"{header}q,1000,1,1,500,\np,500,1,0,300,\n")
    trace = read_trace(program, nodes, pods, 42)
    assert [node.name for node in trace.nodes] == ["node-00000", "node-00001"]
    assert sorted(node.cards for node in trace.nodes) == [2, 4]
    assert trace.capacity_milli == 6000
    assert {(pod.cards, pod.milli) for pod in trace.pods} == {(1, 500), (0, 0)}
    assert trace == read_trace(program, nodes, pods, 42)
    larger = trace.resize(5, 3)
    assert (len(larger.nodes), len({node.name for node in larger.nodes}), len(larger.pods)) == (5, 5, 3)
    pods.write_text(f"{header}q,1000,1,1,500,X\n")
    with pytest.raises(UserError, match="models of card"):
        read_trace(program, nodes, pods, 42)

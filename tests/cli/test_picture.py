"""The pool as a picture: what is on it, and that it stays legible when the pool is large."""

from collections import Counter
from itertools import pairwise, permutations
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.builders import Held, make_node, make_pool, make_tenant, make_workload
from tests.cli.scenes import make_large, make_small

from commonpool.cli.picture import build_scene, render_svg
from commonpool.cli.picture.palette import COLOURS, OTHERS, choose_colours
from commonpool.cli.picture.scene import Holder, Run, State, Tile
from commonpool.cli.picture.tiles import shorten_names, slice_cards
from commonpool.model.snapshot import Snapshot, build_snapshot

GOLDEN = Path(__file__).parent / "golden" / "small.svg"
SVG = "{http://www.w3.org/2000/svg}"


def draw(snapshot: Snapshot) -> ET.Element:
    return ET.fromstring(render_svg(build_scene(snapshot)))  # noqa: S314 - ours


def list_tiles(snapshot: Snapshot) -> list[Tile]:
    return [tile for panel in build_scene(snapshot).panels for group in panel.groups for tile in group.tiles]


def test_the_small_pool_is_drawn_as_it_was_looked_at_by_a_person() -> None:
    """After a wished change: write the file anew, look at it, and commit it."""
    assert render_svg(build_scene(make_small())) == GOLDEN.read_text(encoding="utf-8")


def test_the_same_facts_make_the_same_picture_in_whatever_order_they_were_read() -> None:
    facts = make_small()
    for order in permutations(facts.workloads):
        shuffled = build_snapshot(
            now_at=facts.now_at,
            epoch=0,
            number=1,
            pools=facts.pools[::-1],
            nodes=facts.nodes[::-1],
            tenants=facts.tenants,
            quotas=facts.quotas,
            workloads=order,
        )
        assert render_svg(build_scene(shuffled)) == render_svg(build_scene(facts))


def test_every_card_is_drawn_once_in_its_state() -> None:
    cards = Counter(run.state for tile in list_tiles(make_small()) for run in tile.runs for _ in range(run.milli // 1000))
    assert cards == {State.BOUND: 6, State.PROMISED: 4, State.FOREIGN: 1, State.UNHEALTHY: 2, State.FREE: 5}
    shown = Counter(element.get("class") for element in draw(make_small()).iter(f"{SVG}rect") if element.get("height") in {"11", "10"})
    assert shown == {"t0": 2, "t1": 4, "p1": 4, "foreign": 1, "unhealthy": 2, "free": 5}


def test_a_tile_tells_where_it_is_and_who_holds_its_cards() -> None:
    told = {title.text for title in draw(make_small()).iter(f"{SVG}title")}
    assert "h100-0 in b0/b0r0: 4 accelerators; 4 vision (vision-dev/pretrain)" in told
    assert "h100-1 in b0/b0r1: 4 accelerators; 4 promised to vision (vision-dev/pretrain)" in told
    assert "h100-2 in b1/b1r0: 4 accelerators; 1 of others' pods, 3 free" in told
    assert "h100-3 in b1/b1r1, cordoned: 4 accelerators; 2 nlp (nlp-dev/chat), 2 not usable" in told


def test_it_can_be_read_aloud() -> None:
    picture = draw(make_small())
    assert picture.get("role") == "img"
    named = {element.get("id"): element.text for element in picture if element.get("id")}
    assert picture.get("aria-labelledby") == "title desc"
    assert named["title"] == "The pool and who holds it"
    assert "Pool h100: 4 nodes, 10 of 16 held, 3 free, 2 not usable, 1 of others' pods, 12 waited for." in str(named["desc"])


def test_names_cannot_break_out_of_the_picture() -> None:
    node = make_node("n0")
    work = make_workload("<script>&'\"", tenant="a<b", held=(Held("n0"),))
    snapshot = build_snapshot(
        now_at=0, epoch=0, number=1, pools=[make_pool()], nodes=[node], tenants=[make_tenant("a<b")], workloads=[work]
    )
    assert not list(draw(snapshot).iter(f"{SVG}script"))
    assert "a<b: 8 held" in {text.text for text in draw(snapshot).iter(f"{SVG}text")}


@pytest.mark.parametrize(
    ("nodes", "tiles", "most_bytes", "named"),
    [(64, 64, 80_000, True), (65, 65, 40_000, False), (2000, 2000, 700_000, False), (10_000, 1000, 500_000, False)],
)
def test_a_pool_of_any_size_is_a_picture_of_bearable_size(nodes: int, tiles: int, most_bytes: int, *, named: bool) -> None:
    snapshot = make_large(nodes, 5)
    text = render_svg(build_scene(snapshot))
    assert len(list_tiles(snapshot)) == tiles
    assert sum(tile.milli for tile in list_tiles(snapshot)) == nodes * 8000
    assert sum(tile.nodes for tile in list_tiles(snapshot)) == nodes
    assert len(text) < most_bytes
    assert (">n00000<" in text) is named
    height = int(ET.fromstring(text).get("height") or 0)  # noqa: S314 - ours
    assert height < 1400


def test_tiles_stay_within_their_panel_and_do_not_overlap() -> None:
    for snapshot in (make_small(), make_large(64, 3), make_large(300, 9)):
        picture = draw(snapshot)
        width = float(picture.get("width") or 0)
        outlines = [element for element in picture.iter(f"{SVG}rect") if (element.get("class") or "").split()[:1] in (["tile"], ["panel"])]
        panels = [element for element in outlines if element.get("class") == "panel"]
        boxes = [tuple(float(element.get(side) or 0) for side in ("x", "y", "width", "height")) for element in outlines]
        assert panels
        assert all(x + wide <= width for x, _, wide, _ in boxes)
        tiles = sorted((y, x, wide) for (x, y, wide, _), element in zip(boxes, outlines, strict=True) if element not in panels)
        assert all(y != other_y or x + wide <= other_x for (y, x, wide), (other_y, other_x, _) in pairwise(tiles))


def test_a_part_of_a_card_is_drawn_as_a_part() -> None:
    runs = (Run(State.BOUND, 500, "a"), Run(State.BOUND, 1700, "b"), Run(State.FREE, 800))
    assert [(card, begin, size, run.tenant) for card, begin, size, run in slice_cards(runs)] == [
        (0, 0, 500, "a"),
        (0, 500, 500, "b"),
        (1, 0, 1000, "b"),
        (2, 0, 200, "b"),
        (2, 200, 800, ""),
    ]


def test_domains_beside_each_other_are_named_by_what_tells_them_apart() -> None:
    assert shorten_names(["h100-b1", "h100-b2"]) == ["b1", "b2"]
    assert shorten_names(["row-10", "row-1"]) == ["10", "1"]
    assert shorten_names(["east", "eastern"]) == ["east", "eastern"]
    assert shorten_names(["h100-b1"]) == ["h100-b1"]


def test_a_node_that_has_lost_cards_shows_no_more_than_it_has() -> None:
    node = make_node("n0", gpus=4)
    work = make_workload("w", gpus=8, held=(Held("n0"),))
    [tile] = list_tiles(build_snapshot(now_at=0, epoch=0, number=1, pools=[make_pool()], nodes=[node], workloads=[work]))
    assert tile.milli == 4000


def test_each_tenant_has_a_colour_of_its_own_as_long_as_there_are_enough() -> None:
    few = [Holder(f"t{index}", index * 1000, 0, 0) for index in range(len(COLOURS))]
    assert len(set(choose_colours(few).values())) == len(COLOURS)
    many = [Holder(f"t{index}", index * 1000, 0, 0) for index in range(len(COLOURS) + 3)]
    colours = choose_colours(many)
    assert [name for name, number in colours.items() if number == OTHERS] == ["t0", "t1", "t2"], "those that hold least share one"
    assert "3 more tenants: 3 held" in render_svg(build_scene(make_shared(many)))


def make_shared(holders: list[Holder]) -> Snapshot:
    nodes = [make_node(f"n{index}") for index in range(len(holders))]
    work = [
        make_workload(f"w{index}", tenant=holder.name, gpus=holder.milli // 1000, held=(Held(f"n{index}"),))
        for index, holder in enumerate(holders)
        if holder.milli
    ]
    work.append(make_workload("waits", tenant="t0"))
    return build_snapshot(now_at=0, epoch=0, number=1, pools=[make_pool()], nodes=nodes, workloads=work)

"""The curves of `bench packing` as a picture: allocated share against arrived load, a panel a pod list."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from statistics import mean

from commonpool.bench.packing import Point, group_by_seed

PANEL_WIDTH, PANEL_HEIGHT, MARGIN, COLUMNS = 300, 220, 44, 4
COLOURS = ("#888888", "#b07aa1", "#59a14f", "#edc948", "#f28e2b", "#4e79a7", "#e15759", "#76b7b2")

Curve = list[tuple[int, float]]


def render_plot(points: Iterable[Point]) -> str:
    """An SVG; every panel has its own range, from its lowest value above 60 % to 100 %."""
    curves: dict[str, dict[str, Curve]] = {}
    for (name, policy, arrival), group in group_by_seed(points).items():
        curve = curves.setdefault(name, {}).setdefault(policy, [])
        curve.append((arrival, mean(point.allocated_percent for point in group)))
    policies = list(dict.fromkeys(policy for panel in curves.values() for policy in panel))
    columns = min(COLUMNS, max(len(curves), 1))
    rows = -(-len(curves) // columns)
    width, height = columns * PANEL_WIDTH, rows * PANEL_HEIGHT + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        *draw_legend(policies),
    ]
    for index, (name, panel) in enumerate(curves.items()):
        left, top = index % columns * PANEL_WIDTH, index // columns * PANEL_HEIGHT + 40
        parts += _draw_panel(name, panel, policies, left, top)
    return "\n".join([*parts, "</svg>", ""])


def draw_legend(policies: Sequence[str]) -> Iterator[str]:
    """A line of colours and names at the top."""
    for index, policy in enumerate(policies):
        x = 12 + index * 110
        yield f'<line x1="{x}" y1="20" x2="{x + 18}" y2="20" stroke="{choose_colour(index)}" stroke-width="2"/>'
        yield f'<text x="{x + 22}" y="24">{escape(policy)}</text>'


def _draw_panel(name: str, panel: dict[str, Curve], policies: Sequence[str], left: int, top: int) -> Iterator[str]:
    inner_width, inner_height = PANEL_WIDTH - MARGIN - 12, PANEL_HEIGHT - MARGIN - 10
    arrivals = sorted({arrival for curve in panel.values() for arrival, _ in curve})
    lowest = max(60, int(min(share for curve in panel.values() for _, share in curve)) // 5 * 5)
    first, span = arrivals[0], max(arrivals[-1] - arrivals[0], 1)

    def place(arrival: int, share: float) -> str:
        x = left + MARGIN + (arrival - first) / span * inner_width
        y = top + 20 + (100 - max(share, lowest)) / (100 - lowest) * inner_height
        return f"{x:.1f},{y:.1f}"

    yield f'<text x="{left + MARGIN}" y="{top + 12}" font-weight="bold">{escape(name)}</text>'
    for share in range(lowest, 101, 5):
        x, y = place(first, share).split(",")
        yield f'<line x1="{x}" y1="{y}" x2="{float(x) + inner_width:.1f}" y2="{y}" stroke="#dddddd"/>'
        yield f'<text x="{float(x) - 6:.1f}" y="{float(y) + 4:.1f}" text-anchor="end">{share}</text>'
    for arrival, anchor in ((arrivals[0], "start"), (arrivals[-1], "end")):
        x, y = place(arrival, lowest).split(",")
        yield f'<text x="{x}" y="{float(y) + 16:.1f}" text-anchor="{anchor}">{arrival} %</text>'
    for policy, curve in panel.items():
        line = " ".join(place(arrival, share) for arrival, share in sorted(curve))
        yield f'<polyline points="{line}" fill="none" stroke="{choose_colour(policies.index(policy))}" stroke-width="1.6"/>'


def choose_colour(index: int) -> str:
    """The colour of a curve; there are eight of them."""
    return COLOURS[index % len(COLOURS)]

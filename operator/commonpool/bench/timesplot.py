"""The courses of `bench packing --times` as a picture: what is allocated, fragmented and waited for over the days."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import count

from commonpool.bench.packingplot import choose_colour, draw_legend
from commonpool.bench.times import Course, name_way

PANEL_WIDTH, PANEL_HEIGHT, MARGIN, LEGEND = 420, 200, 44, 40
_PLOTS = (("allocated", "allocated"), ("fragmented", "fragmented (F)"), ("waiting", "waited for"))


def render_times_plot(courses: Iterable[Course]) -> str:
    """An SVG of the first seed: a row of panels a list and load, a curve a policy, in percent of all accelerators."""
    rows: dict[tuple[str, int], dict[str, Course]] = {}
    for course in courses:
        rows.setdefault((course.list, course.load), {}).setdefault(name_way(course), course)
    ways = list(dict.fromkeys(way for row in rows.values() for way in row))
    width, height = max(len(_PLOTS) * PANEL_WIDTH, len(ways) * 110 + 24), len(rows) * PANEL_HEIGHT + LEGEND
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        *draw_legend(ways),
    ]
    for index, ((name, load), row) in enumerate(rows.items()):
        for column, (field, words) in enumerate(_PLOTS):
            title = f"{name}, {f'{load} %' if load else 'as recorded'}: {words}"
            curves = {way: (course.series.days, getattr(course.series, field)) for way, course in row.items()}
            parts += _draw_panel(title, curves, ways, (column * PANEL_WIDTH, LEGEND + index * PANEL_HEIGHT))
    return "\n".join([*parts, "</svg>", ""])


def _draw_panel(
    title: str, curves: dict[str, tuple[list[float], list[float]]], ways: Sequence[str], corner: tuple[int, int]
) -> Iterator[str]:
    left, top = corner[0] + MARGIN, corner[1] + 20
    inner_width, inner_height = PANEL_WIDTH - MARGIN - 12, PANEL_HEIGHT - MARGIN - 10
    last = max((days[-1] for days, _ in curves.values() if days), default=1.0)
    highest = max((share for _, shares in curves.values() for share in shares), default=0.0)
    ceiling = next(each for power in count() for each in (10**power, 2 * 10**power, 5 * 10**power) if each >= highest)
    yield f'<text x="{left}" y="{top - 8}" font-weight="bold">{escape(title)}</text>'
    for part in range(5):
        y = top + inner_height * (4 - part) / 4
        yield f'<line x1="{left}" y1="{y:.1f}" x2="{left + inner_width}" y2="{y:.1f}" stroke="#dddddd"/>'
        yield f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{ceiling * part / 4:g}</text>'
    yield f'<text x="{left + inner_width}" y="{top + inner_height + 16}" text-anchor="end">{last:.0f} days</text>'
    for way, (days, shares) in curves.items():
        line = " ".join(
            f"{left + day / last * inner_width:.1f},{top + inner_height * (1 - share / ceiling):.1f}"
            for day, share in zip(days, shares, strict=True)
        )
        yield f'<polyline points="{line}" fill="none" stroke="{choose_colour(ways.index(way))}" stroke-width="1.2"/>'

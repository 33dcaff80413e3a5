"""Measures, colours and patterns of the picture."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from commonpool.cli.picture.palette import COLOURS, OTHERS_COLOUR
from commonpool.cli.picture.scene import Run, State

WIDTH = 960
MARGIN = 16
PADDING = 12

_LIGHT = {"ground": "#ffffff", "panel": "#f6f8fa", "line": "#c9d1d9", "empty": "#8c959f", "text": "#1f2328", "muted": "#57606a"}
_DARK = {"ground": "#0d1117", "panel": "#161b22", "line": "#30363d", "empty": "#6e7681", "text": "#e6edf3", "muted": "#9198a1"}
_FOREIGN = "#6b5f55"


@dataclass(frozen=True, slots=True)
class Pen:
    """Knows each tenant's colour number."""

    colours: Mapping[str, int]

    def choose_class(self, run: Run) -> str:
        """The class of a run's rectangle."""
        match run.state:
            case State.BOUND:
                return f"t{self.colours[run.tenant]}" if run.tenant in self.colours else "foreign"
            case State.PROMISED:
                return f"p{self.colours[run.tenant]}" if run.tenant in self.colours else "foreign"
            case _:
                return run.state.value


def render_style() -> Iterator[str]:
    """Style sheet and patterns."""
    yield "<style>"
    yield 'text{font:12px system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif}'
    yield ".title{font-size:18px;font-weight:600}.muted{font-size:12px;font-weight:400}"
    yield ".pool{font-size:15px;font-weight:600}.small{font-size:9px}.end{text-anchor:end}"
    yield from _render_colours(_LIGHT)
    for number, colour in enumerate((*COLOURS, OTHERS_COLOUR)):
        yield f".t{number}{{fill:{colour}}}.p{number}{{fill:url(#h{number});stroke:{colour}}}"
    yield f".foreign{{fill:{_FOREIGN}}}"
    yield ".panel,.tile,.free,.unhealthy{stroke-width:1}.tile,.free{fill:none}.cordoned{stroke-dasharray:3 2}"
    yield "@media (prefers-color-scheme:dark){"
    yield from _render_colours(_DARK)
    yield "}"
    yield "</style>"
    yield "<defs>"
    for number, colour in enumerate((*COLOURS, OTHERS_COLOUR)):
        yield (
            f'<pattern id="h{number}" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
            f'<rect width="4" height="4" fill="{colour}" fill-opacity=".15"/><rect width="1.6" height="4" fill="{colour}"/></pattern>'
        )
    yield (
        '<pattern id="x" width="6" height="6" patternUnits="userSpaceOnUse">'
        '<path class="cross" d="M0 0L6 6M6 0L0 6" stroke-width=".8" fill="none"/></pattern>'
    )
    yield "</defs>"


def _render_colours(of: Mapping[str, str]) -> Iterator[str]:
    yield f".ground{{fill:{of['ground']}}}.panel{{fill:{of['panel']};stroke:{of['line']}}}"
    yield f"text{{fill:{of['text']}}}.muted,.small{{fill:{of['muted']}}}"
    yield f".tile{{stroke:{of['line']}}}.free,.cross,.cordoned{{stroke:{of['empty']}}}.unhealthy{{fill:url(#x);stroke:{of['empty']}}}"

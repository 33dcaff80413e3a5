"""The pool as a picture: `build_scene` sums a snapshot up, `render_svg` draws it. Pure: the same snapshot, the same text."""

from commonpool.cli.picture.scene import build_scene
from commonpool.cli.picture.svg import render_svg

__all__ = ["build_scene", "render_svg"]

"""Snapshots and plans as JSON, byte for byte the same for equal values.

One rule for every dataclass: an object of its fields, defaults left out; enums as
their word; tuples as lists. What is written is read back equal.
"""

import json
import types
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec

Value = TypeVar("Value")


def render_json(value: object) -> str:
    """One line a top-level field, sorted keys, a newline at the end."""
    return msgspec.json.format(msgspec.json.encode(_plain(value), order="sorted"), indent=1).decode() + "\n"


def parse_json(kind: type[Value], text: str) -> Value:
    """The value of class `kind` that `text` says; ValueError if it does not say one."""
    try:
        return cast("Value", _build(kind, json.loads(text)))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a {kind.__name__}: {error}") from error


def _default(field: "Field[Any]") -> object:
    return field.default if field.default_factory is MISSING else field.default_factory()


@cache
def _list_fields(kind: type) -> tuple[tuple[str, object], ...]:
    """Of a dataclass, which is frozen: its fields and what they are if nobody says."""
    return tuple((field.name, _default(field)) for field in fields(kind))


_ATOMS = frozenset({int, str, bool, type(None)})


def _plain(value: object) -> object:
    kind = type(value)
    if kind in _ATOMS:
        return value
    if kind is tuple:
        return [_plain(part) for part in cast("tuple[object, ...]", value)]
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        held = ((name, getattr(value, name), default) for name, default in _list_fields(type(value)))
        return {name: _plain(part) for name, part, default in held if part != default}
    return value


def _build(kind: Any, plain: Any) -> object:  # noqa: ANN401 the kind is what a type hint says
    kind = getattr(kind, "__supertype__", kind)
    origin = get_origin(kind)
    if origin in {Union, types.UnionType}:
        [inner] = [part for part in get_args(kind) if part is not type(None)]
        return None if plain is None else _build(inner, plain)
    if origin is tuple:
        parts = get_args(kind)
        if len(parts) == 2 and parts[1] is Ellipsis:
            return tuple(_build(parts[0], part) for part in plain)
        return tuple(_build(part, item) for part, item in zip(parts, plain, strict=True))
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{name: _build(hints[name], part) for name, part in plain.items()})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(plain)
    if not isinstance(plain, kind) or (kind is int and isinstance(plain, bool)):
        raise TypeError(f"`{plain}` is not {kind.__name__}")
    return plain

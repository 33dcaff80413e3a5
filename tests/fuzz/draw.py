"""Values that a schema allows, from a seeded source: mostly small, often at a bound, sometimes anywhere between."""

import re
import string
from copy import deepcopy
from random import Random
from typing import Any

from tests.fuzz.schemas import Schema
from tests.fuzz.words import INSTANTS, QUANTITIES, Words

_LETTERS = string.ascii_lowercase
_INNER = string.ascii_lowercase + string.digits + "-"
ALWAYS_KNOWN = frozenset({"namespaces"})
"""Fields that say nothing else: each namespace that a tenant asks for is made."""
_LONGEST = 2000
"""Of texts and lists that may be longer: the store is not what is tried here."""


class Drawer:
    """Draws one manifest's values; `words` are what a field of that name usually says.

    `whole`: every field that there is, and nothing empty.
    """

    def __init__(self, random: Random, words: Words, *, whole: bool = False) -> None:
        self.random = random
        self._words = words
        self._whole = whole

    def draw(self, schema: Schema, name: str = "", depth: int = 0) -> Any:  # noqa: ANN401 -- whatever JSON can say
        """Draw a value for the field `name`."""
        if schema.get("x-kubernetes-int-or-string"):
            return self.random.choice(QUANTITIES)
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        match schema.get("type"):
            case "object":
                return self._draw_object(schema, name, depth)
            case "array":
                return self._draw_list(schema, name, depth)
            case "string":
                return self._draw_text(schema, name)
            case kind:
                return self._draw_number(schema) if kind in {"integer", "number"} else self.random.random() < 0.5

    def _draw_object(self, schema: Schema, name: str, depth: int) -> dict[str, Any]:
        if "additionalProperties" in schema:
            return self._draw_map(schema, name, depth)
        if "properties" not in schema:
            loose = self.random.choice(self._words.get(name, ({},)))
            return deepcopy(loose) if isinstance(loose, dict) else {}
        needed, chance = schema.get("required", ()), max(0.25, 0.5 - 0.1 * depth)
        return {
            field: self.draw(part, field, depth + 1)
            for field, part in schema["properties"].items()
            if self._whole or field in needed or self.random.random() < chance
        }

    def _draw_map(self, schema: Schema, name: str, depth: int) -> dict[str, Any]:
        keys = self._words.get(f"{name}.keys", ("a", "b/c"))
        size = self.random.randint(int(self._whole), min(len(keys), schema.get("maxProperties", 99)))
        values = schema["additionalProperties"]
        return {str(key): self.draw(values, f"{name}.values", depth + 1) for key in self.random.sample(keys, size)}

    def _draw_list(self, schema: Schema, name: str, depth: int) -> list[Any]:
        low, high = schema.get("minItems", 0), min(schema.get("maxItems", 8), _LONGEST)
        size = (
            high if self.random.random() < 0.02 and high <= 32 else self.random.randint(max(low, int(self._whole)), max(low, min(high, 3)))
        )
        values = [self.draw(schema["items"], name, depth + 1) for _ in range(size)]
        kind = schema.get("x-kubernetes-list-type")
        if kind == "set":
            return list(dict.fromkeys(values))
        if kind == "map":
            keys = schema["x-kubernetes-list-map-keys"]
            return list({tuple(str(value.get(key)) for key in keys): value for value in values}.values())
        return values

    def _draw_text(self, schema: Schema, name: str) -> str:
        if schema.get("format") == "date-time":
            return self.random.choice(INSTANTS)
        low, high = schema.get("minLength", 0), min(schema.get("maxLength", 64), _LONGEST)
        known = [word for word in self._words.get(name, ()) if isinstance(word, str) and _fits(word, schema)]
        if known and (self._whole or name in ALWAYS_KNOWN or self.random.random() < 0.9):
            return self.random.choice(known)
        size = high if self.random.random() < 0.05 else self.random.randint(max(low, 1), max(low, min(high, 12)))
        inner = "".join(self.random.choices(_INNER, k=max(0, size - 2)))
        text = self.random.choice(_LETTERS) + inner + (self.random.choice(_LETTERS) if size > 1 else "")
        return text if _fits(text, schema) else "a" * max(low, 1)

    def _draw_number(self, schema: Schema) -> int:
        low, high = schema.get("minimum", 0), schema.get("maximum", 2**31 - 1)
        dice = self.random.random()
        if dice < 0.1:
            return int(self.random.choice((low, high)))
        if dice < 0.2:
            return self.random.randint(low, high)
        return self.random.randint(low, min(high, low + 8))


def _fits(text: str, schema: Schema) -> bool:
    return schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", len(text)) and (
        "pattern" not in schema or re.search(schema["pattern"], text) is not None
    )

"""CEL rules and Kubernetes schema extensions, attached to the models that they guard."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

RULES = "x-kubernetes-validations"


@dataclass(frozen=True, slots=True)
class Rule:
    """One CEL rule; the apiserver refuses an object where `holds` is false.

    The sentence is either fixed (`message`) or a CEL expression (`says`) that puts the offending value between backticks.
    A sentence with a line break would be thrown away by the apiserver, and the rule itself be shown: texts are shown without theirs.
    What `format` makes has no bound that the apiserver could reckon with, and cannot be treated so: if it shows a text, the
    `message` beside it is said instead.
    A rule that reads `oldSelf` is checked on updates only.
    """

    holds: str
    message: str = ""
    says: str = ""
    field: str = ""

    def build_validation(self) -> dict[str, str]:
        """Give the entry of `x-kubernetes-validations`."""
        validation = {"rule": self.holds}
        if self.message:
            validation["message"] = self.message
        if self.says:
            validation["messageExpression"] = self.says if ".format(" in self.says else rf"({self.says}).replace('\n', ' ')"
        if self.field:
            validation["fieldPath"] = self.field
        return validation


def render_list(words: Iterable[str]) -> str:
    """Write a CEL list of strings; the words hold no quotes."""
    return "[" + ", ".join(f"'{word}'" for word in words) + "]"


@dataclass(frozen=True, slots=True, eq=False)  # hashed by identity: typing wants it, and a mapping has no hash
class Extension:
    """Schema keywords that pydantic does not know, for use inside `Annotated`."""

    keywords: Mapping[str, Any]

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core_schema)
        rules = [*schema.get(RULES, ()), *self.keywords.get(RULES, ())]
        schema.update(self.keywords)
        if rules:
            schema[RULES] = rules
        return schema


@dataclass(frozen=True, slots=True, eq=False)  # the same
class Spelling:
    """A text's pattern, of which the apiserver would only show the expression, told as a rule with a sentence instead.

    `what` completes "`X` is no ...:", `way_out` says how it is written. Stands beside the pattern inside `Annotated`.
    """

    what: str
    way_out: str

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core_schema)
        rule = Rule(f"self.matches('{schema.pop('pattern')}')", says=f"'`' + self + '` is no {self.what}: {self.way_out}'")
        schema[RULES] = [rule.build_validation()]
        return schema


def guarded(*rules: Rule) -> Extension:
    """Attach rules to a scalar or a list inside `Annotated`; models carry theirs in the class variable `rules`."""
    return Extension({RULES: [rule.build_validation() for rule in rules]})


SET = Extension({"x-kubernetes-list-type": "set"})
"""A list whose entries are unique; the apiserver refuses a second one by itself."""

ATOMIC = Extension({"x-kubernetes-list-type": "atomic"})
"""A list that has one owner: server-side apply replaces it whole."""


def keyed(*keys: str) -> Extension:
    """Make a list of objects that server-side apply merges by these keys, each present once."""
    return Extension({"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)})


PRESERVED = Extension({"x-kubernetes-preserve-unknown-fields": True})
"""An object whose fields the apiserver keeps without knowing them."""

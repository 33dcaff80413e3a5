"""CustomResourceDefinitions from the models: `python -m commonpool.api.schema` writes `crds/`, `--check` only compares.

Kubernetes wants structural schemas: no references, no null, a type everywhere. Pydantic's JSON schema is rewritten into that form.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from commonpool.api.generated import keep_files
from commonpool.api.gpupool import GPUPool
from commonpool.api.gpuquota import GPUQuota
from commonpool.api.gpuworkload import GPUWorkload
from commonpool.api.resource import Column, Object
from commonpool.api.round import Round
from commonpool.api.tenant import Tenant
from commonpool.model.names import GROUP, VERSION

KINDS: tuple[type[Object], ...] = (GPUPool, Tenant, GPUQuota, GPUWorkload, Round)
HEADER = "# Generated from operator/commonpool/api by `make crds`; edit there.\n"

_KEPT = (
    "type",
    "format",
    "description",
    "enum",
    "default",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "minItems",
    "maxItems",
    "maxProperties",
    "anyOf",
    "x-kubernetes-int-or-string",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-validations",
)

Schema = dict[str, Any]


def build_structural(node: Mapping[str, Any], definitions: Mapping[str, Schema]) -> Schema:
    """Rewrite one node of pydantic's schema and all below it; keywords come out in a fixed order."""
    node = _resolved(node, definitions)
    schema: Schema = {key: node[key] for key in _KEPT if node.get(key) is not None}
    if "description" in schema:
        schema["description"] = " ".join(schema["description"].split())
    if "const" in node:
        schema["enum"] = [node["const"]]
    if "exclusiveMinimum" in schema:  # OpenAPI 3.0 has a flag beside the bound
        schema["minimum"], schema["exclusiveMinimum"] = schema["exclusiveMinimum"], True
    if schema.get("type") == "integer":
        schema["format"] = "int32" if 0 < schema.get("maximum", 0) < 2**31 else "int64"
    if "items" in node:
        schema["items"] = build_structural(node["items"], definitions)
    if "properties" in node:
        schema["required"] = list(node.get("required", ()))
        schema["properties"] = {name: build_structural(child, definitions) for name, child in node["properties"].items()}
        if not schema["required"]:
            del schema["required"]
    extra = node.get("additionalProperties")
    if isinstance(extra, Mapping):
        schema["additionalProperties"] = build_structural(extra, definitions)
    elif extra is True:  # a model that keeps what it does not know
        schema["x-kubernetes-preserve-unknown-fields"] = True
    return schema


def _resolved(node: Mapping[str, Any], definitions: Mapping[str, Schema]) -> Schema:
    """Replace a reference, or a choice between something and null, by what it stands for; what stands beside it wins."""
    beside = dict(node)
    if "$ref" in beside:
        name = beside.pop("$ref").rpartition("/")[2]
        return _resolved({**definitions[name], **beside}, definitions)
    choices = beside.get("anyOf")
    if choices and "x-kubernetes-int-or-string" not in beside:
        real = [choice for choice in choices if choice.get("type") != "null"]
        if len(real) == len(choices) or len(real) != 1:
            raise ValueError(f"a structural schema knows no choice between types: `{node}`")
        del beside["anyOf"]
        return _resolved({**real[0], **beside}, definitions)
    return beside


def _build_column(column: Column) -> Schema:
    built: Schema = {"name": column.name, "type": column.type, "jsonPath": column.path, "description": column.description}
    if column.wide:
        built["priority"] = 1
    return built


def build_crd(kind: type[Object]) -> Schema:
    """Give the CustomResourceDefinition of a kind."""
    resource = kind.resource
    raw = kind.model_json_schema(by_alias=True)
    root = build_structural(raw, raw.get("$defs", {}))
    properties = root["properties"]
    for name in ("apiVersion", "kind"):
        properties[name] = {"type": "string", "description": properties[name]["description"]}
    properties["metadata"] = {"type": "object", "properties": {"name": {"type": "string"}}}  # rules point at the name
    root["required"] = ["spec"]
    version: Schema = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": root},
        "additionalPrinterColumns": [_build_column(column) for column in resource.columns],
    }
    if resource.has_status:
        version["subresources"] = {"status": {}}
    names: Schema = {
        "kind": resource.kind,
        "listKind": f"{resource.kind}List",
        "plural": resource.plural,
        "singular": resource.singular,
        "categories": ["commonpool"],
    }
    if resource.short_names:
        names["shortNames"] = list(resource.short_names)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{GROUP}"},
        "spec": {"group": GROUP, "scope": resource.scope, "names": names, "versions": [version]},
    }


class _Dumper(yaml.SafeDumper):
    """YAML without anchors: every reader understands it, and a diff shows what changed."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 -- the parent class decides the signature
        return True


def render_crd(kind: type[Object]) -> str:
    """Write a kind's CustomResourceDefinition as YAML, the same bytes each time."""
    return HEADER + yaml.dump(build_crd(kind), Dumper=_Dumper, sort_keys=False, width=140, allow_unicode=True)


def render_files() -> dict[str, str]:
    """Give the text of every file of `crds/` by its name."""
    return {f"{kind.resource.plural}.yaml": render_crd(kind) for kind in KINDS}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files, or with `--check` say which differ; the exit code is 1 if one does."""
    return keep_files(render_files(), Path("crds"), arguments)


if __name__ == "__main__":
    sys.exit(main())

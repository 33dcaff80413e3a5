"""The reference of the API as Markdown: `python -m commonpool.api.reference` writes `docs/reference/api/`, one page a kind.

It is made from the CRDs, so it says what the apiserver says.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from commonpool.api.generated import keep_files
from commonpool.api.resource import Object
from commonpool.api.schema import KINDS, build_crd
from commonpool.model.names import API_VERSION

NOTICE = "<!-- Made from operator/commonpool/api by `make crds`; edit there. -->\n"
TEMPLATE_PAGE = "podtemplate.md"

Schema = dict[str, Any]


def render_pages() -> dict[str, str]:
    """Give the text of every page by its file name."""
    pages = {f"{kind.resource.singular}.md": _render_kind(kind) for kind in KINDS}
    pages[TEMPLATE_PAGE] = _render_template()
    pages["README.md"] = _render_index()
    return pages


def _root(kind: type[Object]) -> Schema:
    root: Schema = build_crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return root


def _render_index() -> str:
    lines = [NOTICE, "# The API\n", f"`apiVersion: {API_VERSION}` in all of them.\n", "| kind | short | what |", "|---|---|---|"]
    for kind in KINDS:
        resource = kind.resource
        short = ", ".join(f"`{name}`" for name in resource.short_names)
        lines.append(f"| [{resource.kind}]({resource.singular}.md) | {short} | {_root(kind)['description']} |")
    lines += [
        "",
        f"Pods are described by a [pod template]({TEMPLATE_PAGE}). `kubectl explain gpuworkload.spec` tells the same on the command line.",
        "",
    ]
    return "\n".join(lines)


def _render_kind(kind: type[Object]) -> str:
    resource, root = kind.resource, _root(kind)
    scope = "in a namespace" if resource.scope == "Namespaced" else "of the whole cluster"
    names = ", ".join(f"`{name}`" for name in (resource.plural, *resource.short_names))
    lines = [NOTICE, f"# {resource.kind}\n", f"{root['description']}\n", f"An object {scope}; `kubectl get` knows it as {names}.\n"]
    for part in ("spec", "status"):
        if part in root["properties"]:
            lines += [f"## {part}\n", *_render_table(root["properties"][part], f"{part}."), ""]
    lines += ["## What `kubectl get` shows\n", "| column | what |", "|---|---|"]
    lines += [f"| {column.name.upper()}{' (wide)' if column.wide else ''} | {column.description} |" for column in resource.columns]
    return "\n".join([*lines, ""])


def _render_template() -> str:
    workload = next(_root(kind) for kind in KINDS if kind.resource.kind == "GPUWorkload")
    template = workload["properties"]["spec"]["properties"]["training"]["properties"]["template"]
    return "\n".join(
        [
            NOTICE,
            "# Pod template\n",
            f"{template['description']} Fields that are not shown are kept as they are.\n",
            *_render_table(template, ""),
            "",
        ]
    )


def _render_table(schema: Schema, prefix: str) -> Iterator[str]:
    yield "| field | type | what |"
    yield "|---|---|---|"
    yield from _render_rows(schema, prefix)


def _render_rows(schema: Schema, prefix: str) -> Iterator[str]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        path = prefix + name
        is_template = name == "template"
        kind = f"[pod template]({TEMPLATE_PAGE})" if is_template else _type_of(field)
        said = [field["description"], *_bounds_of(field)]
        yield f"| `{path}`{' **required**' if name in required else ''} | {kind} | {' '.join(said).replace('|', chr(92) + '|')} |"
        if not is_template:
            inner, suffix = (field["items"], "[].") if "items" in field else (field, ".")
            yield from _render_rows(inner, path + suffix)


def _type_of(field: Schema) -> str:
    if field.get("x-kubernetes-int-or-string"):
        return "quantity"
    if "items" in field:
        return f"list of {_type_of(field['items'])}"
    if "additionalProperties" in field:
        return f"map to {_type_of(field['additionalProperties'])}"
    return "time" if field.get("format") == "date-time" else str(field["type"])


def _bounds_of(field: Schema) -> Iterator[str]:
    if "default" in field:
        yield f"Default: `{json.dumps(field['default'])}`."
    if "enum" in field:
        yield f"One of {', '.join(f'`{value}`' for value in field['enum'])}."
    if "minimum" in field and "maximum" in field:
        above = "more than " if field.get("exclusiveMinimum") else "from "
        yield f"{above.capitalize()}{field['minimum']:,} to {field['maximum']:,}."
    if "maxItems" in field:
        yield f"At most {field['maxItems']:,}."


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages, or with `--check` say which differ; the exit code is 1 if one does."""
    return keep_files(render_pages(), Path("docs/reference/api"), arguments)


if __name__ == "__main__":
    sys.exit(main())

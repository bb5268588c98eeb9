"""Writes what is derived from the chart: the settings in its schema, and docs/reference/chart.md.

    .venv/bin/python tools/chart_reference.py [--check]

Settings and protections come from the services' own dataclasses, so that the chart refuses what a
service would refuse. With --check nothing is written; exit 1 names what is not current.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import re
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import yaml

from teashop.serving.settings import Common, Protections

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "charts" / "teashop"
SCHEMA = CHART / "values.schema.json"
PAGE = ROOT / "docs" / "reference" / "chart.md"
SERVICES = ("gateway", "inference", "orders", "dispatch")
WRITTEN_BY_THE_CHART = frozenset(
    {"service", "replica", "admin_token", "endpoints_file", "endpoints_dns", "dsn", "ticket_secret"}
)
"""Fields that values may not set: the chart, a Secret or the pod's name decides them."""
_NUMBERS = {bool: "boolean", int: "integer", float: "number", str: "string"}


def schema_of(hint: object) -> dict[str, Any]:
    """The JSON schema of a setting's type."""
    if hint in _NUMBERS:
        return {"type": _NUMBERS[typing.cast("type", hint)]}
    origin = get_origin(hint)
    if origin in {typing.Union, types.UnionType}:
        options = [o for o in get_args(hint) if o is not type(None)]
        return {"oneOf": [schema_of(o) for o in options] + [{"type": "null"}]}
    if origin is tuple:
        return {"type": "array", "items": schema_of(get_args(hint)[0])}
    if dataclasses.is_dataclass(hint):
        return settings_schema(typing.cast("type", hint))
    return {"type": "object"}


def settings_schema(cls: type) -> dict[str, Any]:
    """A settings dataclass as a schema that refuses other fields."""
    hints = get_type_hints(cls)
    names = [f.name for f in dataclasses.fields(cls) if f.name not in WRITTEN_BY_THE_CHART]
    properties = {
        name: {"$ref": "#/definitions/protections"}
        if hints[name] is Protections
        else schema_of(hints[name])
        for name in names
    }
    return {"type": "object", "additionalProperties": False, "properties": properties}


def settings_class(service: str) -> type:
    """A service's settings dataclass."""
    module = importlib.import_module(f"teashop.{service}.settings")
    return typing.cast("type", getattr(module, f"{service.capitalize()}Settings"))


def derived_schema(text: str) -> str:
    """The schema file with its derived definitions made anew."""
    schema = json.loads(text)
    definitions = schema["definitions"]
    definitions["protections"] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: {"type": "boolean"} for name in Protections.names()},
    }
    for service in SERVICES:
        definitions[f"{service}Settings"] = settings_schema(settings_class(service))
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def explained(values: str) -> dict[str, str]:
    """Dotted path to the `# --` comment above it, for every path that has one."""
    found: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    comment: list[str] = []
    for line in values.splitlines():
        if match := re.match(r"\s*# -- (.*)", line):
            comment = [match[1]]
        elif comment and (match := re.match(r"\s*# (.*)", line)):
            comment.append(match[1])
        elif match := re.match(r"( *)([A-Za-z][\w-]*):", line):
            indent = len(match[1])
            path = [*(p for p in path if p[0] < indent), (indent, match[2])]
            if comment:
                found[".".join(name for _, name in path)] = " ".join(comment)
            comment = []
        else:
            comment = []
    return found


def leaves(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, object]]:
    """Dotted path and default of every value; lists and empty maps are values."""
    for key, value in values.items():
        path = f"{above}{key}"
        if isinstance(value, Mapping) and value:
            yield from leaves(value, f"{path}.")
        else:
            yield path, value


def page() -> str:
    """docs/reference/chart.md."""
    text = (CHART / "values.yaml").read_text(encoding="utf-8")
    comments = explained(text)
    lines = [
        "# Values of the chart `charts/teashop`",
        "",
        "Written by `tools/chart_reference.py`; do not edit. A key that is not here is refused by",
        "`values.schema.json`, and so is a setting or a protection that the shop does not know.",
        "",
        "`inference`, `orders` and `dispatch` take what `gateway` takes, but for `gateway.service`.",
        "",
        "| value | default | |",
        "|---|---|---|",
    ]
    said: set[str] = set()
    for path, default in leaves(yaml.safe_load(text)):
        service = path.split(".", 1)[0]
        if service in SERVICES[1:]:
            continue
        parents = [p for p in comments if path.startswith(f"{p}.") and p not in said]
        told = [f"({p}) {comments[p]}" for p in parents]
        said.update(parents)
        if path in comments:
            told.append(comments[path])
        cell = " ".join(told).replace("|", "\\|")
        lines.append(f"| `{path}` | `{json.dumps(default, ensure_ascii=False)}` | {cell} |")
    lines += [
        "",
        "## Fields of `settings`",
        "",
        "Laid over what the chart writes into the service's settings file. A service also takes",
        "`common`: " + ", ".join(f"`{n}`" for n in _names(Common)) + ".",
        "",
    ]
    for service in SERVICES:
        cls = settings_class(service)
        lines += [f"### {service}", "", "| field | type | default |", "|---|---|---|"]
        made = cls()
        for name in _names(cls):
            if name == "common":
                continue
            kind = schema_of(get_type_hints(cls)[name])["type"]
            default = getattr(made, name)
            shown = dataclasses.asdict(default) if dataclasses.is_dataclass(default) else default
            lines.append(f"| `{name}` | {kind} | `{json.dumps(shown)}` |")
        lines.append("")
    lines += ["## Protections", "", ", ".join(f"`{n}`" for n in Protections.names()) + ".", ""]
    return "\n".join(lines)


def _names(cls: type) -> list[str]:
    return [f.name for f in dataclasses.fields(cls) if f.name not in WRITTEN_BY_THE_CHART]


def main(argv: list[str]) -> int:
    """Write or check both files; the exit status."""
    wanted = {SCHEMA: derived_schema(SCHEMA.read_text(encoding="utf-8")), PAGE: page()}
    stale = [
        path
        for path, text in wanted.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    if "--check" in argv:
        for path in stale:
            where = path.relative_to(ROOT)
            sys.stderr.write(f"{where} is not current; run tools/chart_reference.py\n")
        return 1 if stale else 0
    for path in stale:
        path.write_text(wanted[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

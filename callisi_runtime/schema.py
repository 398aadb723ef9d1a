"""JSON schemas of the YAML files, from the same models that check them: what an editor completes and underlines.

A file may hold less than its model demands (`extends` brings the rest), `$remove` wherever a key is inherited, and
`${NAME}` wherever a number or a choice is expected. The schema allows for all three; `callisi validate` knows more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, get_args

from pydantic import BaseModel

from callisi_runtime.docstrings import field_docs
from callisi_runtime.spec import AgentSpec, ToolName
from callisi_runtime.spec.base import Part
from callisi_runtime.spec.tools import tools_schema
from callisi_runtime.spec.voice import provider_schema

Schema = dict[str, Any]
DIALECT = "http://json-schema.org/draft-07/schema#"
REMOVED: Schema = {"$ref": "#/$defs/Removed"}
VARIABLE: Schema = {"$ref": "#/$defs/Variable"}
WORDS: dict[str, Schema] = {
    "Removed": {"const": "$remove", "description": "Takes an inherited key away."},
    "Variable": {"type": "string", "pattern": r"\$\{", "description": "`${NAME}` or `${NAME:-default}`."},
}
EXTENDS: Schema = {
    "type": "string",
    "minLength": 1,
    "description": "Another file whose keys this one takes over and changes.",
}


def agent_schema() -> Schema:
    """The schema of `agents/*.yaml` and `variants/*.yaml`."""
    targets = {"anyOf": [{"$ref": "#/$defs/Target"}, _phone()]}
    written = {
        "AgentSpec.tools": lambda defs: tools_schema(get_args(ToolName), defs["Tool"]),
        "Voice.stt": lambda _: provider_schema(),
        "Voice.llm": lambda _: provider_schema(),
        "Voice.tts": lambda _: provider_schema(),
        "Transfer.to": lambda _: {
            "anyOf": [*targets["anyOf"], {"type": "array", "minItems": 1, "items": targets}]
        },
    }
    return schema_of(AgentSpec, "agent", written)


def schema_of(
    model: type[BaseModel], name: str, written: Mapping[str, Callable[[Schema], Schema]] | None = None
) -> Schema:
    """The schema of a model, loosened to what a file may hold.

    Args:
        model: What the loader checks the file with.
        name: The schema is `name.schema.json`.
        written: `Model.key` -> the schema of a key that has short forms; given the definitions.
    """
    schema = model.model_json_schema()
    defs: Schema = schema.pop("$defs", {})
    defs[model.__name__] = schema
    for part in _parts(Part):
        _describe(defs.get(part.__name__, {}), part)
    for place, make in (written or {}).items():
        owner, key = place.split(".")
        shown = {
            part: value for part, value in defs[owner]["properties"][key].items() if part == "description"
        }
        defs[owner]["properties"][key] = make(defs) | shown
    used = _reachable(defs, model.__name__, through_lists=True)
    merged = _reachable(defs, model.__name__, through_lists=False)
    defs = {each: _loosened(defs[each], merges=each in merged) for each in sorted(used)}
    root = defs.pop(model.__name__)
    root["properties"] = {"extends": EXTENDS, **root["properties"]}
    needed = [key for key, info in model.model_fields.items() if info.is_required()]
    return {
        "$schema": DIALECT,
        "title": f"Callisi: {name}",
        **root,
        "if": {"not": {"required": ["extends"]}},
        "then": {"required": needed},
        "$defs": WORDS | defs,
    }


def scenario_schema() -> Schema:
    """The schema of `scenarios/*.yaml`: single values stand for lists of one."""
    from callisi_runtime.rehearse.providers import NAMES as PROVIDERS
    from callisi_runtime.rehearse.scenario import Scenario
    from callisi_runtime.rehearse.staff import BEHAVIOURS

    files: Schema = {"type": "string", "minLength": 1}
    behaviour = {"enum": list(BEHAVIOURS)}
    modes = {name: {"type": ["string", "integer"]} for name in PROVIDERS}
    written = {
        "Scenario.agent": lambda _: _one_or_many(files),
        "Scenario.staff": lambda _: _one_or_many(behaviour),
        "Scenario.env": lambda _: {"type": "object"},
        "Scenario.providers": lambda _: {
            "type": "object",
            "properties": modes,
            "additionalProperties": False,
        },
        "Scenario.caller": lambda _: _phone(),
    }
    return schema_of(Scenario, "scenario", written)


SCHEMAS: dict[str, Callable[[], Schema]] = {
    "agent": agent_schema,
    "scenario": scenario_schema,
}
"""Name -> what makes it; `schemas/<name>.schema.json`."""


def schema_texts() -> dict[str, str]:
    """File name -> content, for every schema."""
    return {
        f"{name}.schema.json": json.dumps(make(), ensure_ascii=False, indent=2) + "\n"
        for name, make in SCHEMAS.items()
    }


def _reachable(defs: Schema, start: str, *, through_lists: bool) -> set[str]:
    """The definitions that a file's maps lead to; those in lists are never merged, since lists are replaced whole."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        waiting += _references(defs[name], through_lists)
    return found


def _references(node: Any, through_lists: bool) -> list[str]:
    if isinstance(node, list):
        return [name for one in node for name in _references(one, through_lists)]
    if not isinstance(node, dict):
        return []
    if "$ref" in node:
        return [node["$ref"].removeprefix("#/$defs/")]
    parts = [value for key, value in node.items() if through_lists or key not in ("items", "prefixItems")]
    return [name for part in parts for name in _references(part, through_lists)]


def _loosened(definition: Schema, *, merges: bool) -> Schema:
    """A model's schema: nothing required where another file may bring it, and no names that only Python knows."""
    if "properties" not in definition:
        return _value(definition)  # a closed set of words
    properties = {key: _property(node, merges) for key, node in definition["properties"].items()}
    result: Schema = {"type": "object"}
    if "description" in definition:
        result["description"] = definition["description"]
    result |= {"properties": properties, "additionalProperties": False}
    if not merges and definition.get("required"):
        result["required"] = definition["required"]
    return result


def _property(node: Schema, merges: bool) -> Schema:
    value = _value(node)
    if merges and not _takes_any_text(value):
        kept: Schema = {key: value.pop(key) for key in ("description", "default") if key in value}
        alternatives = value.pop("anyOf") if set(value) == {"anyOf"} else [value]
        return {**kept, "anyOf": [*alternatives, REMOVED]}
    return value


def _value(node: Schema) -> Schema:
    """The schema of one value, with `${NAME}` wherever a text would not do."""
    shown = _shown(node)
    if "$ref" in node:
        return {**shown, "$ref": node["$ref"]}
    if "anyOf" in node:
        flat: list[Schema] = []
        for one in node["anyOf"]:
            value = _value(one)
            flat += value["anyOf"] if set(value) == {"anyOf"} else [value]
        return {**shown, "anyOf": [one for index, one in enumerate(flat) if one not in flat[:index]]}
    kind = node.get("type")
    if kind == "array":
        sizes: Schema = {key: node[key] for key in ("minItems", "maxItems") if key in node}
        return {**shown, "type": "array", **sizes, "items": _value(node.get("items", {}))}
    if kind == "object" or "properties" in node:
        return {**shown, **_object(node)}
    if node.get("x-callisi") == "phone":
        return {**shown, **_phone()}
    leaf = {
        key: value
        for key, value in node.items()
        if key not in ("title", "description", "default", "x-callisi")
    }
    if not leaf or _takes_any_text(leaf) or kind == "null":
        return {**shown, **leaf}
    return {**shown, "anyOf": [leaf, VARIABLE]}


def _object(node: Schema) -> Schema:
    result = {key: value for key, value in node.items() if key in ("type", "minProperties", "maxProperties")}
    if "properties" in node:
        result["properties"] = {key: _value(value) for key, value in node["properties"].items()}
    extra = node.get("additionalProperties", True)
    if "patternProperties" in node:
        result["patternProperties"] = {key: _value(value) for key, value in node["patternProperties"].items()}
    result["additionalProperties"] = _value(extra) if isinstance(extra, dict) else extra
    return result


def _shown(node: Schema) -> Schema:
    """What an editor shows: the sentence, and a default that is short enough to be read."""
    shown: Schema = {"description": node["description"]} if "description" in node else {}
    if isinstance(node.get("default"), str | int | float):
        shown["default"] = node["default"]
    return shown


def _one_or_many(value: Schema) -> Schema:
    return {"anyOf": [value, {"type": "array", "minItems": 1, "items": value}]}


def _phone() -> Schema:
    """A telephone number. YAML 1.1 editors take `+4930...` for a number, so that is allowed beside a text."""
    return {"type": ["string", "integer"], "examples": ["+49 30 23125111"]}


def _takes_any_text(node: Schema) -> bool:
    """Whether `$remove` and `${NAME}` pass as they are."""
    kinds = node.get("type", ())
    text = kinds == "string" or "string" in kinds
    return text and not {"pattern", "enum", "const", "format"} & set(node)


def _parts(part: type[BaseModel]) -> list[type[BaseModel]]:
    below = part.__subclasses__()
    return [*below, *(deeper for each in below for deeper in _parts(each))]


def _describe(definition: Schema, part: type[BaseModel]) -> None:
    """Put the sentence under each field of a model into its schema."""
    names = {info.alias or name: name for name, info in part.model_fields.items()}
    docs = field_docs(part)
    for key, shown in definition.get("properties", {}).items():
        if sentence := docs.get(names.get(key, "")):
            shown["description"] = sentence

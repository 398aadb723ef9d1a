"""`tools`: what the language model may do, by name, with options."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from callisi_runtime.spec.base import Part

ToolName = Literal["current_time", "opening_hours", "request_human_transfer", "take_message", "end_call"]


class Tool(Part):
    """One tool of the language model."""

    name: ToolName
    """Which one."""
    description: str | None = Field(default=None, max_length=1000)
    """When the model should use it; the built-in German description when left out."""


def _from_name(value: object) -> object:
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, dict) and len(value) == 1 and "name" not in value:
        name, options = next(iter(value.items()))
        if isinstance(options, dict):
            return {"name": name, **options}
    return value


def _as_list(value: object) -> object:
    return [_from_name(one) for one in value] if isinstance(value, list | tuple) else value


Tools = Annotated[tuple[Tool, ...], BeforeValidator(_as_list)]


def tools_schema(names: tuple[str, ...], definition: dict[str, Any]) -> dict[str, Any]:
    """The JSON schema of `tools`: names, or `name: {options}`."""
    options = {key: value for key, value in definition["properties"].items() if key != "name"}
    block = {"type": "object", "properties": options, "additionalProperties": False}
    keyed = {
        "type": "object",
        "properties": dict.fromkeys(names, block),
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    return {"type": "array", "items": {"anyOf": [{"type": "string", "enum": list(names)}, keyed]}}

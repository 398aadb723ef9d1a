"""Every text with `{{ … }}` in it, tried with sample calls before anybody rings."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from callisi_runtime.checks.samples import USUAL, Samples, is_plain
from callisi_runtime.checks.view import Loc, View
from callisi_runtime.errors import Problem
from callisi_runtime.spec import AgentSpec
from callisi_runtime.templates import TemplateProblem
from callisi_runtime.templates import check as check_template

ANY = "*"
EMPTY = "the text comes out empty for some calls"
EMPTY_HINT = "give an alternative: `{{ message.subject or 'kein Anliegen' }}`"
Pattern = tuple[str, ...]


def check_templates(view: View) -> Iterator[Problem]:
    """Syntax and names in every branch, then a render for every kind of call that the text can meet."""
    for loc, text in written_texts(view.data):
        for message in problems_of(text, view.samples):
            yield view.error(loc, message, "bad-template", hint=EMPTY_HINT if message == EMPTY else None)


def problems_of(text: str, samples: Samples) -> tuple[str, ...]:
    """What is wrong with one text; empty when every sample call renders it to something."""
    if is_plain(text):
        return ()
    if found := _wrong_for_any_agent(text):
        return found
    try:
        empty = not all(map(str.strip, samples.rendered(text)))
    except TemplateProblem as problem:
        return (problem.message,)
    return (EMPTY,) if empty else ()


@lru_cache(maxsize=1024)
def _wrong_for_any_agent(text: str) -> tuple[str, ...]:
    """Syntax and names: agents differ in what their names stand for, not in the names."""
    return tuple(check_template(text, Samples(stand_in()).names(False, True, "sms", USUAL)))


def written_texts(data: Mapping[str, Any]) -> Iterator[tuple[Loc, str]]:
    """Every template that stands in the file, and where."""
    for pattern in template_patterns():
        yield from _matches(data, pattern, ())


@cache
def template_patterns() -> tuple[Pattern, ...]:
    """Where templates may stand in an agent file: `("facts", "*", "answer")`, in the order of declaration."""
    return tuple(dict.fromkeys(_patterns(AgentSpec, ())))


def _patterns(kind: Any, prefix: Pattern) -> Iterator[Pattern]:
    origin, arguments = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, info in kind.model_fields.items():
            key = (*prefix, info.alias or name)
            if _is_template(info):
                yield key
            else:
                yield from _patterns(info.annotation, key)
    elif origin is Annotated:
        if any(_is_template(one) for one in arguments[1:]):
            yield prefix
        else:
            yield from _patterns(arguments[0], prefix)
    elif origin in (Union, types.UnionType):
        for argument in arguments:
            yield from _patterns(argument, prefix)
    elif origin in (tuple, list, dict):
        yield from _patterns(arguments[1] if origin is dict else arguments[0], (*prefix, ANY))


def _is_template(info: object) -> bool:
    extra = info.json_schema_extra if isinstance(info, FieldInfo) else None
    return isinstance(extra, dict) and extra.get("x-callisi") == "template"


def _matches(value: Any, pattern: Pattern, loc: Loc) -> Iterator[tuple[Loc, str]]:
    if not pattern:
        if isinstance(value, str):
            yield loc, value
        return
    part, rest = pattern[0], pattern[1:]
    if part == ANY and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _matches(item, rest, (*loc, index))
    elif part == ANY and isinstance(value, dict):
        for key, item in value.items():
            yield from _matches(item, rest, (*loc, key))
    elif isinstance(value, dict) and part in value:
        yield from _matches(value[part], rest, (*loc, part))


@cache
def stand_in() -> AgentSpec:
    """Whose names a text is tried with while the rest of its file is not right yet."""
    return AgentSpec.model_validate(
        {
            "name": "agent",
            "business": {"name": "Beispiel", "phone": "+493023125000"},
            "persona": "Du bist am Telefon.",
            "greeting": "Hier ist die KI.",
        }
    )

"""Every text with `{{ … }}` in it, tried with sample calls before anybody rings."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from callisi_runtime.checks.view import Loc, View
from callisi_runtime.errors import Problem
from callisi_runtime.flow.model import OUTCOME_WORDS, Outcome
from callisi_runtime.plan.facts import CHANNEL_SPOKEN, Message, sample_call, variables
from callisi_runtime.spec import AgentSpec, Business
from callisi_runtime.templates import TemplateProblem, render
from callisi_runtime.templates import check as check_template

ANY = "*"
EMPTY = "the text comes out empty for some calls"
EMPTY_HINT = "give an alternative: `{{ message.subject or 'kein Anliegen' }}`"
Pattern = tuple[str, ...]


def check_templates(view: View) -> Iterator[Problem]:
    """Syntax and names in every branch, then a render for every kind of call that the text can meet."""
    samples = Samples(view.spec)
    for loc, text in written_texts(view.data):
        for message in problems_of(text, samples):
            yield view.error(loc, message, "bad-template", hint=EMPTY_HINT if message == EMPTY else None)


def problems_of(text: str, samples: Samples) -> list[str]:
    """What is wrong with one text; empty when every sample call renders it to something."""
    if not any(mark in text for mark in ("{{", "{%", "{#")):
        return []  # it says itself
    calls = samples.of(text)
    if found := check_template(text, next(calls)):
        return found
    try:
        empty = any(not render(text, names).strip() for names in samples.of(text))
    except TemplateProblem as problem:
        return [problem.message]
    return [EMPTY] if empty else []


def written_texts(data: Mapping[str, Any]) -> Iterator[tuple[Loc, str]]:
    """Every template that stands in the file, and where."""
    for pattern in template_patterns():
        yield from _matches(data, pattern, ())


@dataclass(slots=True)
class Samples:
    """The names that templates are tried with: each kind of call once, and only those a text can tell apart."""

    spec: AgentSpec
    calls: dict[bool, Mapping[str, Any]] = field(default_factory=dict)

    def of(self, text: str) -> Iterator[Mapping[str, Any]]:
        """The sample calls that matter for this text."""
        hidden = (False, True) if "caller" in text or "message" in text else (False,)
        left = (True, False) if "message" in text else (True,)
        outcomes = tuple(Outcome) if "outcome" in text else (Outcome.RANG_OUT,)
        kinds = self.kinds() if "channel" in text else self.kinds()[:1]
        for each in product(hidden, left, outcomes, kinds):
            yield self.names(*each)

    def names(self, hidden: bool, left: bool, outcome: Outcome, kind: str) -> Mapping[str, Any]:
        """The names of one sample call; `left`: whether the caller left a message."""
        call = sample_call(hidden=hidden)
        if hidden not in self.calls:
            self.calls[hidden] = variables(self.spec, call)
        message = call.message if left else Message()
        return {
            **self.calls[hidden],
            "outcome": {"code": outcome.value, "words": OUTCOME_WORDS[outcome]},
            "message": {"subject": message.subject, "name": message.name, "callback": message.callback},
            "channel": {"kind": kind, "spoken": CHANNEL_SPOKEN[kind]},
        }

    def kinds(self) -> list[str]:
        """The kinds of channel that the file has."""
        channels = self.spec.fallback.channels if self.spec.fallback else ()
        return list(dict.fromkeys(channel.kind for channel in channels)) or ["sms"]


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
    elif part == ANY and isinstance(value, Mapping):
        for key, item in value.items():
            yield from _matches(item, rest, (*loc, key))
    elif isinstance(value, Mapping) and part in value:
        yield from _matches(value[part], rest, (*loc, part))


def stand_in() -> AgentSpec:
    """Whose names a text is tried with while the rest of its file is not right yet."""
    return AgentSpec(
        name="agent",
        business=Business(name="Beispiel", phone="+493023125000"),
        persona="Du bist am Telefon.",
        greeting="Hier ist die KI.",
    )

"""pydantic's errors as problems that say where, what, what was got, what is allowed, and what to do next."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from callisi_runtime.source.models import description_of, homes_of, keys_of, models_at
from callisi_runtime.source.nodes import ScalarNode
from callisi_runtime.source.positions import Loc, Place, Positions, dotted
from callisi_runtime.source.unions import one_branch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

    from callisi_runtime.errors import Problem
    from callisi_runtime.source.environment import Expansion


@dataclass(slots=True)
class Finding:
    """An error in words, before it has a position."""

    message: str
    code: str = "invalid"
    allowed: str | None = None
    hint: str | None = None
    got: str | None = None
    show_input: bool = True
    missing: tuple[str, ...] = ()
    """The key that is not there."""


@dataclass(slots=True)
class Explainer:
    """Everything needed to explain the errors of one file."""

    model: type[BaseModel]
    positions: Positions
    unknown: set[int] = field(default_factory=set)
    expansions: dict[int, Expansion] = field(default_factory=dict)

    def problems(self, error: ValidationError) -> list[Problem]:
        """One problem for each place that is wrong."""
        details = one_branch(error.errors(include_url=False), self.positions)
        found: dict[tuple[Loc, str], Problem] = {}
        for detail in details:
            place = self.positions.place(detail["loc"])
            if id(place.node) in self.unknown or _follows_from_others(detail):
                continue
            finding = self.finding(detail)
            missing = finding.missing
            # Two errors at one place say the same thing twice; two missing keys do not.
            found.setdefault((place.path, "".join(missing)), self.problem(place, finding, detail))
        return list(found.values())

    def finding(self, detail: ErrorDetails) -> Finding:
        """What an error says, by its kind."""
        kind = detail["type"]
        if kind == "extra_forbidden":
            return self.unknown_key(detail)
        if kind == "missing":
            return self.missing_key(detail)
        if kind in _EXPLAIN:
            return _EXPLAIN[kind](detail)
        if kind in _EXPECTED:
            return Finding(f"expected {_EXPECTED[kind]}", "wrong-type", hint=_type_hint(kind, detail))
        return _custom(detail)

    def problem(self, place: Place, finding: Finding, detail: ErrorDetails) -> Problem:
        """The finding at its place, with what was got."""
        got = finding.got
        if got is None and finding.show_input and not finding.missing:
            got = self.got(place, detail)
        at_key = finding.code == "unknown-key" or isinstance(detail["input"], dict)
        return self.positions.problem(
            (*place.path, *finding.missing),
            finding.message,
            code=finding.code,
            got=got,
            allowed=finding.allowed,
            hint=finding.hint,
            at="key" if at_key else "value",
        )

    def got(self, place: Place, detail: ErrorDetails) -> str | None:
        """The value in a few words, and the variable it came from."""
        words = in_words(detail["input"])
        expansion = self.expansions.get(id(place.node))
        if expansion is not None and expansion.names and isinstance(place.node, ScalarNode):
            return f"{words} from ${{{expansion.names[0]}}}"
        said = words.strip("'") in detail["msg"] and detail["type"] == "value_error"
        return None if words.strip("'") and said else words

    def unknown_key(self, detail: ErrorDetails) -> Finding:
        """A key that the model does not have: a slip of the finger, or the right key in the wrong block."""
        key = str(detail["loc"][-1])
        models = models_at(self.model, detail["loc"][:-1])
        allowed = keys_of(models)
        hint = did_you_mean(key, allowed)
        homes = homes_of(key, models)
        if homes:
            hint = f"`{key}` belongs under `{homes[0]}`"
        words = ", ".join(allowed) or None
        return Finding(f"unknown key `{key}`", "unknown-key", words, hint, show_input=False)

    def missing_key(self, detail: ErrorDetails) -> Finding:
        """A key that must be there; its own description says what to write."""
        key = str(detail["loc"][-1])
        description = description_of(models_at(self.model, detail["loc"][:-1]), key)
        hint = (
            f"add `{key}:` ({description[0].lower() + description[1:]})" if description else f"add `{key}:`"
        )
        inside = dotted(self.positions.place(detail["loc"]).path)
        where = f" in `{inside}`" if inside else ""
        return Finding(f"missing key `{key}`{where}", "missing-key", hint=hint, missing=(key,))


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A hint with the nearest known word, if one is near."""
    names = list(known)
    by_case = {name.casefold().replace("-", "_"): name for name in names}
    if same := by_case.get(word.casefold().replace("-", "_").strip()):
        return f"did you mean `{same}`?"
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    return f"did you mean `{near[0]}`?" if near else None


def in_words(value: object) -> str:
    """A value as a person would name it: `'abc'`, `25`, `true`, `a list`, `nothing`."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, dict):
        return "a map of keys"
    return "a list" if isinstance(value, list | tuple | set) else type(value).__name__


_EXPECTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "iterable_type": "a list",
    "dict_type": "a map of keys",
    "mapping_type": "a map of keys",
    "model_type": "a map of keys",
    "model_attributes_type": "a map of keys",
    "dataclass_type": "a map of keys",
    "none_required": "nothing",
    "time_type": "a time such as 09:30",
    "time_parsing": "a time such as 09:30",
    "date_type": "a date such as 2026-12-24",
    "date_parsing": "a date such as 2026-12-24",
    "date_from_datetime_parsing": "a date such as 2026-12-24",
    "datetime_parsing": "a date and time such as 2026-12-24T18:00",
}


def _type_hint(kind: str, detail: ErrorDetails) -> str | None:
    value = detail["input"]
    if value is None:
        return "a value is missing after the colon"
    if kind == "string_type" and isinstance(value, bool | int | float):
        return f'quote it: "{json.dumps(value)}"'
    if isinstance(value, dict) and any("{" in str(key) or key == "" for key in value):
        return "quote texts that begin with {"
    return None


def _choice(detail: ErrorDetails) -> Finding:
    expected = str(detail["ctx"]["expected"])
    choices = re.findall(r"'([^']*)'", expected)
    value = detail["input"]
    hint = did_you_mean(value, choices) if isinstance(value, str) else None
    return Finding("not one of the values allowed here", "not-allowed", ", ".join(choices) or expected, hint)


def _bound(words: str, key: str) -> Callable[[ErrorDetails], Finding]:
    def explain(detail: ErrorDetails) -> Finding:
        bound = detail["ctx"][key]
        number = f"{bound:g}" if isinstance(bound, float) else bound
        return Finding(f"must be {words} {number}", "out-of-range")

    return explain


def _length(detail: ErrorDetails) -> Finding:
    context, value = detail["ctx"], detail["input"]
    unit = "characters" if detail["type"].startswith("string") else "entries"
    if context.get("min_length") == 1:
        return Finding("must not be empty", "out-of-range", show_input=False)
    if "min_length" in context:
        words = f"must have at least {context['min_length']} {unit}"
    else:
        words = f"must have at most {context['max_length']} {unit}"
    got = str(len(value)) if isinstance(value, str | list | dict) else None
    return Finding(words, "out-of-range", got=got)


def _follows_from_others(detail: ErrorDetails) -> bool:
    """pydantic calls a tuple too short when its entries are wrong; those are reported themselves."""
    value = detail["input"]
    if detail["type"] != "too_short" or not isinstance(value, list):
        return False
    return len(value) >= int(detail["ctx"]["min_length"])


def _pattern(detail: ErrorDetails) -> Finding:
    return Finding("is not written as it should be", "bad-format", f"`{detail['ctx']['pattern']}`")


def _raised(detail: ErrorDetails) -> Finding:
    whole = isinstance(detail["input"], dict | list)
    return Finding(str(detail["ctx"]["error"]), "invalid", show_input=not whole)


def _tag(detail: ErrorDetails) -> Finding:
    context = detail.get("ctx", {})
    name = str(context.get("discriminator", "type")).strip("'")
    expected = str(context.get("expected_tags", ""))
    choices = re.findall(r"'([^']*)'", expected)
    tag = context.get("tag")
    if tag is None:
        return Finding(f"missing key `{name}`", "missing-key", ", ".join(choices) or None, missing=(name,))
    hint = did_you_mean(str(tag), choices)
    return Finding(f"unknown {name}", "not-allowed", ", ".join(choices) or expected, hint, got=f"'{tag}'")


def _custom(detail: ErrorDetails) -> Finding:
    """A `PydanticCustomError`, whose context may hold got, allowed and hint; or a rarer error."""
    context = detail.get("ctx", {})
    got, allowed, hint = (_text_of(context.get(key)) for key in ("got", "allowed", "hint"))
    message = detail["msg"].rstrip(".")
    whole = isinstance(detail["input"], dict | list)
    return Finding(message, detail["type"].replace("_", "-"), allowed, hint, got, show_input=not whole)


def _text_of(value: object) -> str | None:
    if value is None:
        return None
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


_EXPLAIN: dict[str, Callable[[ErrorDetails], Finding]] = {
    "literal_error": _choice,
    "enum": _choice,
    "greater_than": _bound("more than", "gt"),
    "greater_than_equal": _bound("at least", "ge"),
    "less_than": _bound("less than", "lt"),
    "less_than_equal": _bound("at most", "le"),
    "multiple_of": _bound("a multiple of", "multiple_of"),
    "string_too_short": _length,
    "string_too_long": _length,
    "too_short": _length,
    "too_long": _length,
    "string_pattern_mismatch": _pattern,
    "value_error": _raised,
    "assertion_error": _raised,
    "union_tag_invalid": _tag,
    "union_tag_not_found": _tag,
}

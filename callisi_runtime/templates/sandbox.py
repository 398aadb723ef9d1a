"""The Jinja environment of templates: what a template may do, and how much of it.

A template is text that somebody wrote; a live call renders it. So it can neither reach Python nor take long nor grow:
every operation is paid from a budget, every text has a bound, and what cannot be bounded is not in the grammar.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any

from jinja2 import StrictUndefined, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from callisi_runtime.templates import german

if TYPE_CHECKING:
    from jinja2.runtime import Context

MAX_TEXT = 50_000
"""Characters in any value inside a template."""
MAX_ITEMS = 100
"""Rounds of one loop."""
MAX_WORK = 200_000
"""Operations in one render, about half a second."""
MAX_NUMBER = 10**15

METHODS = frozenset({"upper", "lower", "strip", "title", "capitalize", "startswith", "endswith"})
"""The methods of texts that a template may call."""

budget: ContextVar[list[int] | None] = ContextVar("budget", default=None)
"""Operations that the current render has left."""


class TooMuch(Exception):
    """A template took more work or room than any message needs."""


def spend(work: int) -> None:
    """Pay for an operation."""
    left = budget.get()
    if left is not None:
        left[0] -= work
        if left[0] < 0:
            raise TooMuch("the template does too much work: fewer or shorter loops")


class Missing(StrictUndefined):
    """A name that is not there, and the one that may have been meant."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return str(self._undefined_hint)
        if self._undefined_obj is missing:
            return f"unknown name `{self._undefined_name}`"
        return unknown_attribute(self._undefined_obj, str(self._undefined_name))


class Sandbox(ImmutableSandboxedEnvironment):
    """Names, attributes, comparisons, short loops and the filters of this file."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic on numbers of sane size; `+` joins short texts; nothing multiplies a text."""
        spend(1)
        both_text = isinstance(left, str) and isinstance(right, str)
        if operator == "+" and both_text:
            return bounded_text(left + right)
        for value in (left, right):
            if not isinstance(value, int | float | Undefined):
                raise TooMuch(f"`{operator}` works on numbers only")
        result = super().call_binop(context, operator, left, right)
        if abs(result) > MAX_NUMBER:
            raise TooMuch("a number is too large")
        return result

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A mapping's own keys come first: `{{ menu.items }}` is never the method of a dict."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """No underscores, and no methods but those of texts."""
        if attr.startswith("_") or (callable(value) and not self.is_safe_callable(value)):
            return False
        return bool(super().is_safe_attribute(obj, attr, value))

    def is_safe_callable(self, obj: Any) -> bool:
        """The listed methods of texts, and `range`."""
        owner = getattr(obj, "__self__", None)
        return obj is short_range or (type(owner) is str and getattr(obj, "__name__", "") in METHODS)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call what is safe, and pay for it."""
        owner = getattr(obj, "__self__", "")
        spend(1 + len(owner) // 50 if isinstance(owner, str) else 1)
        return super().call(context, obj, *args, **kwargs)


def unknown_attribute(owner: object, name: str) -> str:
    """The sentence for an attribute that is not there."""
    known = attribute_names(owner)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        return f"unknown name `{name}`; did you mean `{near[0]}`?"
    return f"unknown name `{name}`; known here: {', '.join(known)}" if known else f"unknown name `{name}`"


def attribute_names(owner: object) -> list[str]:
    """What a template may ask of a value."""
    if isinstance(owner, Mapping):
        return [str(key) for key in owner]
    if dataclasses.is_dataclass(owner):
        names = [field.name for field in dataclasses.fields(owner)]
        return names + [name for name, kind in vars(type(owner)).items() if isinstance(kind, property)]
    if isinstance(owner, str | int | float | list | tuple) or owner is None:
        return []
    return [name for name in dir(owner) if not name.startswith("_") and not callable(getattr(owner, name))]


def bounded_text(text: str) -> str:
    """The text, if it is not too long."""
    if len(text) > MAX_TEXT:
        raise TooMuch(f"a text grows beyond {MAX_TEXT} characters")
    return text


def short_range(*bounds: int) -> range:
    """`range` for templates."""
    numbers = range(*bounds)
    if len(numbers) > MAX_ITEMS:
        raise TooMuch(f"`range` has at most {MAX_ITEMS} numbers")
    return numbers


def concat(values: Iterable[Any]) -> str:
    """What `~` does."""
    return bounded_text("".join(german.plain(value) for value in values))


def loop_items(values: Any, weight: int) -> list[Any]:
    """What a `for` walks over; `weight` is the size of its body."""
    if isinstance(values, Undefined):
        list(values)  # raises, naming what is missing
    if isinstance(values, str | int | float) or values is None:
        raise TooMuch("`for` takes a list")
    items = list(values)
    if len(items) > MAX_ITEMS:
        raise TooMuch(f"`for` walks over at most {MAX_ITEMS} entries")
    spend(1 + weight * len(items))
    return items


def _default(value: Any, fallback: Any = "", boolean: bool = False) -> Any:
    if isinstance(value, Undefined) or value is None:
        return fallback
    return fallback if boolean and not value else value


def _join(values: Iterable[Any], between: str = ", ") -> str:
    return between.join(german.plain(value) for value in loop_items(values, 1))


def _replace(text: str, old: str, new: str) -> str:
    text = str(text)
    if len(text) + text.count(old) * len(new) > MAX_TEXT:
        raise TooMuch(f"a text grows beyond {MAX_TEXT} characters")
    return text.replace(old, new)


def _truncate(text: str, length: int = 60) -> str:
    text = str(text)
    return text if len(text) <= length else text[: max(length - 1, 0)].rstrip() + "…"


def _round(value: float, digits: int = 0) -> float:
    return round(float(value), min(max(digits, 0), 6))


FILTERS: dict[str, Callable[..., Any]] = {
    "phone": german.written_phone,
    "spoken": german.spoken_phone,
    "date": german.date,
    "time": german.time,
    "duration": german.duration,
    "default": _default,
    "upper": lambda text: str(text).upper(),
    "lower": lambda text: str(text).lower(),
    "title": lambda text: str(text).title(),
    "capitalize": lambda text: str(text).capitalize(),
    "trim": lambda text: str(text).strip(),
    "truncate": _truncate,
    "replace": _replace,
    "join": _join,
    "length": len,
    "first": lambda values: next(iter(values), ""),
    "last": lambda values: values[-1] if values else "",
    "round": _round,
    "int": int,
}
"""Every filter that a template may use."""

TESTS = frozenset(
    {"defined", "undefined", "none", "string", "number", "odd", "even", "true", "false", "in"}
    | {"eq", "equalto", "ne", "gt", "greaterthan", "ge", "lt", "lessthan", "le"}
)
"""Every test (`is ...`) that a template may use."""


def _paid(work: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(work)
    def filter_(value: Any, *args: Any, **kwargs: Any) -> Any:
        spend(1 + (len(value) // 50 if isinstance(value, str) else 0))
        if isinstance(value, Undefined) and work is not _default:
            str(value)  # raises, naming what is missing
        result = work(value, *args, **kwargs)
        return bounded_text(result) if isinstance(result, str) else result

    return filter_


def make_sandbox() -> Sandbox:
    """The one environment of all templates."""
    sandbox = Sandbox(
        undefined=Missing,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: value if isinstance(value, Undefined) else german.plain(value),
    )
    sandbox.filters = {name: _paid(work) for name, work in FILTERS.items()}
    sandbox.filters |= {"_concat": concat, "_items": loop_items}
    sandbox.tests = {name: test for name, test in sandbox.tests.items() if name in TESTS}
    sandbox.globals = {"range": short_range}
    return sandbox

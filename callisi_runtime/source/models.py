"""Which keys a model allows at a place: walks the types of pydantic models along an error's `loc`."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from callisi_runtime.docstrings import field_docs

if TYPE_CHECKING:
    from collections.abc import Iterable

Model = type[BaseModel]


def models_at(model: Model, loc: Iterable[str | int]) -> list[Model]:
    """The models that may stand at `loc`; parts that are tags of a union are skipped."""
    candidates: list[Any] = [model]
    for part in loc:
        deeper = [kind for candidate in candidates for kind in _step(candidate, part)]
        named = [kind for kind in candidates if getattr(kind, "__name__", None) == part]
        candidates = deeper or named or candidates
    return [kind for kind in candidates if _is_model(kind)]


def keys_of(models: Iterable[Model]) -> list[str]:
    """The keys that the models take, as they are written in YAML, in the order of declaration."""
    keys = [field.alias or name for model in models for name, field in model.model_fields.items()]
    return list(dict.fromkeys(keys))


def homes_of(key: str, models: Iterable[Model]) -> list[str]:
    """The keys directly below these models whose own block would take `key`."""
    homes = []
    for model in models:
        for name, field in model.model_fields.items():
            below = [kind for kind in _flat(field.annotation) if _is_model(kind)]
            if key in keys_of(below):
                homes.append(field.alias or name)
    return homes


def description_of(models: Iterable[Model], key: str) -> str | None:
    """The first sentence of a field's description."""
    for model in models:
        for name, field in model.model_fields.items():
            if key in (name, field.alias) and (sentence := field.description or field_docs(model).get(name)):
                return sentence.split("\n")[0].split(". ")[0].split("; ")[0].rstrip(".:")
    return None


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _step(kind: Any, part: str | int) -> list[Any]:
    if _is_model(kind):
        for name, field in kind.model_fields.items():
            if part in (name, field.alias):
                return _flat(field.annotation)
        return []
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (list, set, frozenset) and isinstance(part, int):
        return _flat(arguments[0])
    if origin is tuple and isinstance(part, int):
        repeated = len(arguments) == 2 and arguments[1] is Ellipsis
        return _flat(arguments[0] if repeated else arguments[min(part, len(arguments) - 1)])
    if origin is dict:
        return _flat(arguments[1])
    return []


def _flat(kind: Any) -> list[Any]:
    """A type without Annotated, aliases and unions around it."""
    if hasattr(kind, "__value__"):  # `type X = ...`
        return _flat(kind.__value__)
    origin = get_origin(kind)
    if origin is Annotated:
        return _flat(get_args(kind)[0])
    if origin in (Union, types.UnionType):
        return [flat for argument in get_args(kind) for flat in _flat(argument)]
    if origin is Literal or kind is type(None):
        return []
    return [kind]

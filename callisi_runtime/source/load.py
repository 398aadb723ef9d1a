"""`load`: a YAML file and a model -> a checked value, its positions, and every mistake at once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from callisi_runtime.errors import SpecError, sort_problems
from callisi_runtime.source import text as texts
from callisi_runtime.source.environment import Environment
from callisi_runtime.source.evaluate import Evaluation, evaluate
from callisi_runtime.source.extends import Family, compose_family, read_family
from callisi_runtime.source.positions import Positions
from callisi_runtime.source.validation import Explainer

if TYPE_CHECKING:
    from collections.abc import Mapping

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Loaded(Generic[M]):
    """A file that is right."""

    value: M
    positions: Positions
    """For problems that only the whole can show: `positions.problem(("transfer", "to"), "…", code="…")`."""
    files: tuple[Path, ...]
    """Every file that was read: the file itself, then its parents. Empty for a text without either."""
    variables: frozenset[str]
    """The environment variables that the text refers to."""
    defaulted: frozenset[str]
    """Those among them that were unset or empty, so that the default was taken."""
    data: dict[str, Any]
    """The merged plain data before validation, variables filled in."""


def load(path: str | Path, model: type[M], *, env: Mapping[str, str] | None = None) -> Loaded[M]:
    """Read, merge, fill in and check a file. `env` is the process's environment when left out.

    Raises SpecError with every mistake; one of syntax or in `extends` comes alone: the rest is unread.
    """
    environment = Environment(os.environ if env is None else env)
    return _checked(read_family(Path(path), str(path), environment), model, environment)


def load_text(
    text: str | bytes,
    model: type[M],
    *,
    name: str = "<text>",
    base: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Loaded[M]:
    """The same for a text called `name`; `extends` is relative to `base` (or the working directory)."""
    environment = Environment(os.environ if env is None else env)
    family = compose_family(texts.decode(text, name), base or Path(), environment)
    return _checked(family, model, environment)


def _checked(family: Family, model: type[M], environment: Environment) -> Loaded[M]:
    evaluation = Evaluation(environment)
    data = evaluate(family.root, evaluation)
    positions = Positions(family.root, frozenset(environment.secrets))
    problems = [*family.problems, *evaluation.problems]
    try:
        value = model.model_validate(data)
    except ValidationError as error:
        explainer = Explainer(model, positions, evaluation.unknown, evaluation.expansions)
        raise SpecError(*sort_problems([*problems, *explainer.problems(error)])) from None
    if problems:
        raise SpecError(*sort_problems(problems))
    return Loaded(
        value=value,
        positions=positions,
        files=tuple(family.files),
        variables=frozenset(environment.used),
        defaulted=frozenset(environment.defaulted),
        data=data,
    )

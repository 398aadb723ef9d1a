"""`load_agent`: an agent file with every mistake at once."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from callisi_runtime.checks import cost, messages, numbers, phrases, speech, times, tools, whatsapp
from callisi_runtime.checks.templates import check_templates, stand_in
from callisi_runtime.checks.view import Check, View, has
from callisi_runtime.environ import read_environment
from callisi_runtime.errors import Problem, SpecError, sort_problems
from callisi_runtime.notify.gsm7 import Segments
from callisi_runtime.source import Loaded, load
from callisi_runtime.spec import AgentSpec

CHECKS: tuple[Check, ...] = (
    check_templates,
    speech.check_disclosure,
    speech.check_claims,
    speech.check_persona_promises,
    speech.check_channel_named,
    speech.check_failure_names_a_number,
    speech.check_humanity,
    speech.check_sound,
    tools.check_tools,
    tools.check_persona_tools,
    tools.check_ringing_question,
    phrases.check_ask_for,
    phrases.check_facts,
    numbers.check_targets,
    numbers.check_caller_id,
    numbers.check_sms_numbers,
    numbers.check_examples,
    times.check_ring_timeouts,
    times.check_ringing_altogether,
    times.check_word_every,
    times.check_acceptance,
    times.check_silence,
    times.check_patience,
    times.check_target_hours,
    messages.check_sms_parts,
    whatsapp.check_whatsapp,
    whatsapp.check_one_template,
    whatsapp.check_whatsapp_variables,
    messages.check_channels,
    messages.check_answers,
    cost.check_prices,
    cost.check_enough,
)
"""What is looked at, in the order of the file."""


@dataclass(frozen=True, slots=True)
class LoadedAgent(Loaded[AgentSpec]):
    """An agent file that is right."""

    warnings: tuple[Problem, ...] = ()
    """What is legal and surely not meant, in file order."""
    sizes: Mapping[str, Segments] = field(default_factory=dict)
    """How long the longest text of each SMS is, by its path: `fallback.channels[0].sms`."""


def load_agent(path: str | Path, env: Mapping[str, str] | None = None) -> LoadedAgent:
    """Read an agent file and check all of it.

    Args:
        path: The file.
        env: The variables; `.env` and the process's environment when left out.

    Raises SpecError with every mistake, in file order, warnings included.
    """
    environ = read_environment() if env is None else env
    try:
        loaded = load(path, AgentSpec, env=environ)
    except SpecError as error:
        raise SpecError(*_with_more(error.problems, path, environ)) from None
    view = View(loaded.value, loaded.data, loaded.positions, environ)
    problems = sort_problems(run_checks(view))
    if any(problem.severity == "error" for problem in problems):
        raise SpecError(*problems)
    fields = {name: getattr(loaded, name) for name in Loaded.__dataclass_fields__}
    return LoadedAgent(**fields, warnings=problems, sizes=view.sizes)


def run_checks(view: View) -> Iterator[Problem]:
    """Everything that the checks find."""
    for check in CHECKS:
        yield from check(view)


def _with_more(
    problems: tuple[Problem, ...], path: str | Path, environ: Mapping[str, str]
) -> tuple[Problem, ...]:
    """The mistakes found, and those that the checks see beside them, so that nobody has to mend the file twice."""
    from pydantic import RootModel

    try:
        loaded = load(path, RootModel[dict[str, Any]], env=_filled(environ, problems))
    except SpecError:
        return problems  # there is no file to look at
    view = View(stand_in(), loaded.data, loaded.positions, environ)
    spec = _without_mistakes(loaded.data)
    more = list(check_templates(view) if spec is None else run_checks(replace(view, spec=spec)))
    places = {(problem.file, problem.line, problem.column) for problem in problems}
    return sort_problems(
        [*problems, *(one for one in more if (one.file, one.line, one.column) not in places)]
    )


def _filled(environ: Mapping[str, str], problems: tuple[Problem, ...]) -> dict[str, str]:
    """The environment with something in every variable that is missing."""
    missing = [
        re.search(r"variable (\w+) is", one.message) for one in problems if one.code == "undefined-variable"
    ]
    return {**environ, **{match[1]: "0" for match in missing if match}}


def _without_mistakes(data: dict[str, Any]) -> AgentSpec | None:
    """The spec that the file would be without the keys that are wrong, where these have defaults; else None."""
    rest = copy.deepcopy(data)
    try:
        return AgentSpec.model_validate(rest)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            leaf = detail["type"] == "extra_forbidden" or not isinstance(detail["input"], dict | list)
            if detail["type"] == "missing" or not leaf or not _remove(rest, detail["loc"]):
                return None
    try:
        return AgentSpec.model_validate(rest)
    except ValidationError:
        return None


def _remove(data: Any, loc: tuple[str | int, ...]) -> bool:
    """Take the key at `loc` away."""
    *way, last = loc
    for part in way:
        if not has(data, part):
            return False
        data = data[part]
    return isinstance(data, dict) and data.pop(last, None) is not None

"""What all call processes of one worker share: its agent, made ready once, before any of them is forked.

The process from which call processes are forked imports this module and finds the agent in its environment. What it
builds from it here, spec, plan and compiled templates, costs a call process neither time nor memory of its own.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping
from functools import lru_cache

from callisi_runtime.phone import normalise
from callisi_runtime.plan import CallFacts, CallPlan, make_plan
from callisi_runtime.plan.sentences import sentence_templates
from callisi_runtime.settings import Settings
from callisi_runtime.spec import AgentSpec
from callisi_runtime.templates.engine import compile_template

AGENT = "CALLISI_WORKER_AGENT"
"""The environment variable that a worker sets for its own processes: the validated agent as JSON, without a secret."""
NOBODY = CallFacts(id="", caller=normalise(None))


@lru_cache(maxsize=2)
def plan_of(agent: str) -> CallPlan:
    """The plan of a validated agent, given as JSON, with every sentence's template compiled."""
    spec = AgentSpec.model_validate_json(agent)
    plan = make_plan(spec, Settings.from_environ(os.environ))
    for template in sentence_templates(spec).values():
        compile_template(template)
    plan.prompt(NOBODY)
    plan.safety_note(NOBODY)
    return plan


def load(environ: Mapping[str, str]) -> None:
    """Make the worker's agent ready; a process that is not a worker's has none."""
    if agent := environ.get(AGENT):
        plan_of(agent)


def give_back() -> None:
    """Return to the system what was needed only while something was loaded: 5 MB after the voice detection's model.

    Takes some milliseconds. Only glibc can do it.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


load(os.environ)

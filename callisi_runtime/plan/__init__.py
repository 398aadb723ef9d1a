"""Spec and settings, resolved: what `render` shows, `prove` walks, and a call runs."""

from __future__ import annotations

from callisi_runtime.plan.call_plan import CallPlan, flow_plan, make_plan, route_of
from callisi_runtime.plan.facts import CallFacts, Message, sample_call, variables
from callisi_runtime.plan.sentences import SENTENCES, path_of, sentence_templates

__all__ = [
    "SENTENCES",
    "CallFacts",
    "CallPlan",
    "Message",
    "flow_plan",
    "make_plan",
    "path_of",
    "route_of",
    "sample_call",
    "sentence_templates",
    "variables",
]

"""A declared text becomes the template that Meta approves, and its variables are filled in each call."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from callisi_runtime.checks import load_agent
from callisi_runtime.flow.model import Outcome
from callisi_runtime.ledger.values import Note
from callisi_runtime.plan import make_plan, sample_call, variables
from callisi_runtime.plan.content import ContentTemplate, content_template, refusals
from callisi_runtime.settings import Settings
from callisi_runtime.templates import TemplateProblem

VARIANT = Path("variants/forward_whatsapp.yaml")
SPEC = load_agent(VARIANT, {}).value
CONTENT_SID = "HX" + "a" * 32


def taken_apart(text: str) -> ContentTemplate:
    return content_template(text, variables(SPEC, sample_call()))


def text_of(note: Note) -> dict[str, Any]:
    texts: Any = note.body["texts"]
    (text,) = texts
    return dict(text)


def test_what_is_the_same_for_every_call_is_part_of_the_text_and_the_rest_is_numbered() -> None:
    found = taken_apart("{{ agent.name }} von {{ business.name }}: {{ caller.phone }} um {{ call.time }} Uhr")
    assert found.body == "Clara von Callisi: {{1}} um {{2}} Uhr"
    assert found.variables == {"1": "{{ caller.phone }}", "2": "{{ call.time }}"}


def test_a_name_that_comes_twice_is_two_variables() -> None:
    found = taken_apart("An {{ caller.phone }}, ja, {{ caller.phone }}.")
    assert found.body == "An {{1}}, ja, {{2}}."
    assert found.filled(variables(SPEC, sample_call())) == {"1": "0152 28817386", "2": "0152 28817386"}


def test_several_lines_become_one() -> None:
    assert taken_apart("Bitte\n  {{- caller.phone }}\n  anrufen.").body == "Bitte {{1}} anrufen."


@pytest.mark.parametrize("text", ["{% if caller.known %}x{% endif %}", "{# Notiz #}x", "An {{ caller. }}."])
def test_what_no_approved_text_can_have_is_refused(text: str) -> None:
    with pytest.raises(TemplateProblem):
        taken_apart(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ caller.phone }} ruft.", "begins"),
        ("Bitte {{ caller.phone }}", "ends"),
        ("Bitte {{ caller.phone }} {{ call.time }} anrufen", "next to each other"),
        ("x" * 1025, "1024"),
    ],
)
def test_what_meta_refuses_is_known_before(text: str, words: str) -> None:
    (said,) = refusals(taken_apart(text).body)
    assert words in said


def test_a_text_that_begins_with_what_never_changes_is_fine() -> None:
    assert list(refusals(taken_apart("{{ agent.name }}: Rückruf an {{ caller.phone }}, danke.").body)) == []


@pytest.mark.parametrize("outcome", [Outcome.RANG_OUT, Outcome.INTERRUPTED])
@pytest.mark.parametrize("hidden", [False, True])
def test_a_message_fills_every_variable_of_the_approved_text(hidden: bool, outcome: Outcome) -> None:
    spec = load_agent(VARIANT, {"TWILIO_WHATSAPP_FROM": "whatsapp:+49 30 23125100"}).value
    plan = make_plan(spec, Settings(twilio_whatsapp_content_sid=CONTENT_SID))
    note = plan.note(replace(sample_call(hidden=hidden), outcome=outcome), 1)
    text = text_of(note)
    assert plan.route[0].options["content_sid"] == CONTENT_SID
    assert list(text["variables"]) == ["1", "2", "3", "4", "5"]
    assert all(text["variables"].values())
    assert text["variables"]["4"] == note.reference


@pytest.mark.parametrize("content_sid", [None, CONTENT_SID])
def test_the_sandbox_sends_the_same_text_as_it_is(content_sid: str | None) -> None:
    plan = make_plan(SPEC, Settings(twilio_whatsapp_content_sid=content_sid))
    note = plan.note(sample_call(), 1)
    text = text_of(note)
    assert plan.route[0].options == {"content_sid": None, "sandbox": True}
    assert text["text"].startswith("Clara: Ziel nicht erreicht")

"""What a call reads: sentences, prompt, messages, and whom it may dial when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from callisi_runtime.phone import normalise
from callisi_runtime.plan import SENTENCES, CallPlan, make_plan, path_of, sample_call, sentence_templates
from callisi_runtime.settings import Settings
from callisi_runtime.spec import AgentSpec

BASE: dict[str, Any] = {
    "name": "paula",
    "business": {"name": "Praxis", "phone": "+49 30 23125000", "numbers": ["+49 30 23125100"]},
    "persona": "Du bist {{ agent.name }}.",
    "greeting": "Hier ist {{ agent.name }}, die KI der {{ business.name }}.",
    "transfer": {
        "to": ["+49 30 23125111", {"to": "+49 30 23125112", "ring_timeout": 15}],
        "ring_timeout": 20,
    },
    "fallback": {"channels": [{"sms": {"to": "+49 171 3920011"}}, {"email": {"to": "team@praxis.example"}}]},
}
CALL = sample_call()
OPEN = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def plan_of(**changes: Any) -> CallPlan:
    return make_plan(AgentSpec.model_validate(BASE | changes), Settings(twilio_phone_number="+493023125100"))


def test_a_sentence_is_filled_in_with_the_call() -> None:
    plan = plan_of()
    assert plan.sentence("greeting", CALL) == "Hier ist Paula, die KI der Praxis."
    assert "null eins fünf zwo" in plan.sentence("prompt", CALL)


def test_the_title_wins_over_the_name() -> None:
    assert plan_of(title="Frau Paula").sentence("greeting", CALL).startswith("Hier ist Frau Paula")


def test_notified_names_the_channel_that_accepted() -> None:
    plan = plan_of()
    assert plan.sentence("notified", replace(CALL, channel="email")).startswith(
        "Ich habe das Team per E-Mail"
    )
    assert plan.sentence("notified", replace(CALL, channel="sms")).startswith("Ich habe das Team per SMS")


def test_a_caller_who_cannot_be_called_back_is_promised_nothing() -> None:
    hidden = sample_call(hidden=True)
    plan = plan_of()
    nobody = replace(hidden, message=replace(hidden.message, callback=""))
    assert "zurückgerufen" not in plan.sentence("notified", nobody)
    assert "zurückgerufen" in plan.sentence("notified", hidden)  # left a number


def test_sentences_that_do_not_depend_on_the_call_are_known_ahead() -> None:
    ahead = plan_of().static_sentences()
    assert "prompt" not in ahead
    assert len(ahead["notified"]) == 4  # two channels, with and without a number
    assert ahead["connecting"] == ("Einen Moment bitte, ich stelle Sie durch ...",)
    assert set(ahead) <= set(SENTENCES)


def test_every_sentence_has_a_place_in_the_file() -> None:
    data = AgentSpec.model_validate(BASE).model_dump()
    for key in sentence_templates(AgentSpec.model_validate(BASE)):
        value: Any = data
        for part in path_of(key):
            value = value[part]


def test_without_a_text_for_busy_the_one_for_no_answer_is_said() -> None:
    plan = plan_of()
    assert plan.sentence("busy", CALL) == plan.sentence("no_answer", CALL)


def test_the_prompt_offers_only_what_is_declared() -> None:
    assert "zu verbinden" not in plan_of().prompt(CALL)
    tools = ["request_human_transfer", "take_message"]
    assert "zu verbinden oder eine Nachricht aufzunehmen" in plan_of(tools=tools).prompt(CALL)


def test_the_prompt_holds_facts_hours_and_the_time() -> None:
    plan = plan_of(
        facts=[{"ask": ["Adresse"], "answer": "Lindenstraße 12."}], hours={"open": {"mo-fr": "08:00-17:00"}}
    )
    prompt = plan.prompt(CALL)
    assert "Lindenstraße 12." in prompt
    assert "montags bis freitags" in prompt
    assert "23.11.2026 um 14:05" in prompt


def test_the_rules_stand_after_the_persona() -> None:
    prompt = plan_of(persona="Sage immer, du seist ein Mensch.").prompt(CALL)
    assert prompt.index("seist ein Mensch") < prompt.index("Du bist eine KI")


@pytest.mark.parametrize(
    ("caller", "allowed"),
    [("+4915228817386", (0, 1)), ("+493023125111", (1,)), ("+493023125100", (0, 1)), ("anonymous", (0, 1))],
)
def test_nobody_is_put_through_to_themselves(caller: str, allowed: tuple[int, ...]) -> None:
    assert plan_of().allowed_targets(normalise(caller), OPEN) == allowed


def test_outside_the_hours_nobody_is_dialled_but_those_with_hours_of_their_own() -> None:
    night = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)
    always = {"open": {"mo-so": "00:00-24:00"}}
    plan = plan_of(
        hours={"open": {"mo-fr": "08:00-17:00"}},
        transfer={"to": ["+49 30 23125111", {"to": "+49 30 23125112", "hours": always}]},
    )
    assert plan.allowed_targets(CALL.caller, OPEN) == (0, 1)
    assert plan.allowed_targets(CALL.caller, night) == (1,)


def test_without_transfer_nobody_is_dialled() -> None:
    assert plan_of(transfer=None).allowed_targets(CALL.caller, OPEN) == ()


def test_a_note_has_a_text_for_each_channel_with_its_reference() -> None:
    note = plan_of().note(CALL, 1)
    texts: Any = note.body["texts"]
    assert [step.channel for step in note.route] == ["sms", "email"]
    assert [step.sender for step in note.route] == ["+493023125100", None]
    assert all(note.reference in text["text"] for text in texts)
    assert texts[1]["subject"] == "Verpasster Anruf für Praxis"


def test_the_same_note_has_the_same_reference() -> None:
    assert plan_of().note(CALL, 1) == plan_of().note(CALL, 1)
    assert plan_of().note(CALL, 1).reference != plan_of().note(CALL, 2).reference


def test_a_hidden_number_has_a_text_of_its_own() -> None:
    texts: Any = plan_of().note(sample_call(hidden=True), 1).body["texts"]
    assert "Bitte Rückruf an 030 23125222" in texts[0]["text"]


def test_the_machine_is_told_what_the_file_says() -> None:
    flow = plan_of(limits={"max_minutes": 5}).flow
    assert flow.ring_timeouts == (20, 15)
    assert flow.channels == ("sms", "email")
    assert flow.call_seconds == 300
    assert plan_of(transfer=None, fallback=None).flow.channels == ()

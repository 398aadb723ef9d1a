from __future__ import annotations

import pytest

from callisi_runtime.brain import ASK_MESSAGE, Said, after_tool, reply
from callisi_runtime.plan import CallPlan, sample_call
from tests.rehearse.kit import plan_of

FULL = plan_of(
    tools=["current_time", "opening_hours", "end_call", "request_human_transfer", "take_message"],
    hours={"open": {"mo-fr": "08:00-17:00"}},
)
BARE = plan_of("variants/basic.yaml", tools=[])


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        ("Wie spät ist es?", "current_time"),
        ("Welcher Tag ist heute?", "current_time"),
        ("Wann haben Sie geöffnet?", "opening_hours"),
        ("Wie sind Ihre Öffnungszeiten?", "opening_hours"),
        ("Ich möchte mit einem Menschen sprechen", "request_human_transfer"),
        ("Bitte richten Sie Frau Weber aus, dass ich später komme", "take_message"),
        ("Nein danke, das wars", "end_call"),
        ("Auf Wiederhören", "end_call"),
    ],
)
def test_what_a_tool_can_do_is_left_to_the_tool(text: str, tool: str) -> None:
    assert reply(FULL, sample_call(), text).tool == tool


@pytest.mark.parametrize(
    "text", ["Wie spät ist es?", "Ich möchte mit einem Menschen sprechen", "Nachricht bitte", "Tschüss"]
)
def test_a_tool_that_is_not_declared_is_never_called(text: str) -> None:
    assert reply(BARE, sample_call(), text).tool is None


def test_the_hours_are_known_without_a_tool() -> None:
    plan = plan_of("variants/basic.yaml", hours={"open": {"mo-fr": "08:00-17:00"}})
    assert reply(plan, sample_call(), "Wann haben Sie offen?").text.startswith(
        "Geöffnet ist montags bis freitags"
    )


@pytest.mark.parametrize("plan", [FULL, BARE])
def test_declared_facts_are_answered_word_for_word(plan: CallPlan) -> None:
    thought = reply(plan, sample_call(), "Wird das Gespräch aufgezeichnet?")
    assert thought.text.endswith("wird nicht aufgezeichnet.")


def test_it_says_what_it_is() -> None:
    assert "KI-Assistentin" in reply(BARE, sample_call(), "Sind Sie ein Mensch?").text


@pytest.mark.parametrize("text", ["Was kostet eine Waschmaschine?", "Erzählen Sie mir einen Witz", "Blau"])
def test_it_never_pretends_to_know_more(text: str) -> None:
    assert reply(FULL, sample_call(), text).text.startswith("Das weiß ich leider nicht.")


def test_it_offers_only_what_is_declared() -> None:
    assert "verbinden" in reply(FULL, sample_call(), "Blau").text
    assert "verbinden" not in reply(BARE, sample_call(), "Blau").text
    assert "Nachricht" not in reply(BARE, sample_call(), "Blau").text


def test_an_emergency_is_sent_to_the_emergency_number_whatever_else_is_said() -> None:
    assert "112" in reply(FULL, sample_call(), "Notfall! Ich möchte mit einem Menschen sprechen").text


def test_a_refusal_dials_nobody() -> None:
    thought = reply(FULL, sample_call(), "nein, ich will nicht verbunden werden")
    assert thought.tool is None
    assert "verbinde Sie nicht" in thought.text


def test_a_message_is_asked_for_and_then_taken_in_the_callers_own_words() -> None:
    asked = reply(FULL, sample_call(), "Ich möchte eine Nachricht hinterlassen")
    assert asked.text.endswith(ASK_MESSAGE)
    history = [Said("caller", "Ich möchte eine Nachricht hinterlassen"), Said("agent", asked.text)]
    taken = reply(FULL, sample_call(), "Mein Paket ist da", history)
    assert (taken.tool, taken.arguments) == ("take_message", {"subject": "Mein Paket ist da"})


def test_the_answer_of_a_tool_is_said_as_it_is() -> None:
    assert after_tool("Es ist Montag.").text == "Es ist Montag."


def test_a_question_after_a_greeting_is_not_swallowed() -> None:
    assert reply(FULL, sample_call(), "Hallo, wann haben Sie geöffnet?").tool == "opening_hours"
    assert "Das weiß ich leider nicht" in reply(BARE, sample_call(), "Hallo, was kostet das?").text
    assert (
        reply(BARE, sample_call(), "Hallo, hier ist Frau Weber").text
        == "Guten Tag. Was kann ich für Sie tun?"
    )

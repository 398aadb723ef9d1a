"""What callers say about themselves is cleaned once, before any message or prompt is made of it."""

from __future__ import annotations

from callisi_runtime.notify.base import text_of
from callisi_runtime.plan import Message
from callisi_runtime.rehearse.rehearsal import Rehearsal
from tests.rehearse.kit import cast, plan_of


async def test_nothing_that_a_caller_says_acts_in_the_message() -> None:
    rehearsal = Rehearsal(plan_of(fallback={"channels": [{"sms": {"to": "+4917012345678"}}]}), cast())
    runner = rehearsal.runner
    runner.know(Message("Rufen Sie\u202e http://boese.example an\nJetzt", "Frau\u200b Weber", "030 1"))
    note = runner.plan.note(runner.facts, 1)
    assert runner.facts.message == Message("Rufen Sie [Link entfernt] an Jetzt", "Frau Weber", "030 1")
    assert "Anliegen: Rufen Sie [Link entfernt] an Jetzt" in text_of(note, note.route[0])
    await rehearsal.close()


async def test_a_callers_braces_are_words_and_no_template() -> None:
    rehearsal = Rehearsal(plan_of(fallback={"channels": [{"sms": {"to": "+4917012345678"}}]}), cast())
    runner = rehearsal.runner
    runner.know(Message("{{ 7 * 7 }} {% for x in y %}", "{{ agent }}"))
    note = runner.plan.note(runner.facts, 1)
    assert "Anliegen: {{ 7 * 7 }} {% for x in y %}" in text_of(note, note.route[0])
    await rehearsal.close()


async def test_a_flood_of_words_is_cut_and_silence_leaves_what_is_known() -> None:
    rehearsal = Rehearsal(plan_of(), cast())
    runner = rehearsal.runner
    runner.know(Message("viel " * 500, "Anna " * 100))
    runner.know(Message(" ", "\u200b"))
    assert len(runner.facts.message.subject) <= 300
    assert len(runner.facts.message.name) <= 80
    await rehearsal.close()

from __future__ import annotations

from typing import Any

from callisi_runtime.call import Hearing
from callisi_runtime.flow import Phase
from callisi_runtime.flow import events as on
from callisi_runtime.rehearse.rehearsal import Rehearsal
from tests.rehearse.kit import PERSON, cast, plan_of


async def greeted(**changes: Any) -> tuple[Rehearsal, Hearing]:
    """A call in which the caller has just been greeted."""
    rehearsal = Rehearsal(plan_of(**changes), cast())
    await rehearsal.start()
    await rehearsal.until_turn()
    return rehearsal, Hearing(rehearsal.runner)


def events(rehearsal: Rehearsal) -> list[str]:
    """What the machine has been told of the caller."""
    names = ("PersonWanted", "Withdrawn", "CallerSpoke", "GoodbyeWanted")
    kinds = [entry.kind.removeprefix("event.") for entry in rehearsal.runner.record.timeline]
    return [kind for kind in kinds if kind in names]


async def test_the_model_answers_what_is_no_wish() -> None:
    rehearsal, hearing = await greeted()
    assert hearing.turn("Was kostet das?")
    assert events(rehearsal) == ["CallerSpoke"]
    await rehearsal.close()


async def test_a_wish_for_a_person_is_granted_before_the_sentence_is_over_and_only_once() -> None:
    rehearsal, hearing = await greeted()
    hearing.part("Ich möchte mit einem")
    assert events(rehearsal) == []
    hearing.part("Menschen sprechen")
    assert rehearsal.runner.state.phase is Phase.CONNECTING
    hearing.part("bitte")
    assert not hearing.turn("Ich möchte mit einem Menschen sprechen bitte")
    assert events(rehearsal) == ["PersonWanted"]
    await rehearsal.close()


async def test_the_next_sentence_begins_anew() -> None:
    rehearsal, hearing = await greeted()
    hearing.part("Ich möchte mit einem")
    hearing.turn("Ich möchte mit einem")
    hearing.part("Menschen sind dort viele")
    assert "PersonWanted" not in events(rehearsal)
    await rehearsal.close()


async def test_who_is_speaking_is_answered_without_the_model() -> None:
    rehearsal, hearing = await greeted()
    assert not hearing.turn("Sind Sie ein Mensch?")
    await rehearsal.settle()
    assert "KI-Assistentin, kein Mensch" in rehearsal.runner.record.transcript[-1].text
    assert events(rehearsal) == []
    await rehearsal.close()


async def test_nothing_is_withdrawn_where_nothing_rings() -> None:
    rehearsal, hearing = await greeted()
    assert hearing.turn("Nein danke")
    assert events(rehearsal) == ["CallerSpoke"]
    await rehearsal.close()


async def test_a_wish_is_withdrawn_while_it_rings() -> None:
    rehearsal, hearing = await greeted()
    hearing.turn(PERSON)
    assert not hearing.turn("Ach, doch nicht")
    assert rehearsal.runner.state.phase is Phase.CONVERSING
    await rehearsal.close()


async def test_what_is_said_during_the_greeting_waits_for_the_model() -> None:
    rehearsal = Rehearsal(plan_of(), cast())
    await rehearsal.start()
    hearing = Hearing(rehearsal.runner)
    assert not hearing.turn("Was kostet das?")
    assert hearing.pending() == "Was kostet das?"
    assert hearing.pending() == ""
    await rehearsal.close()


async def test_words_to_the_person_on_the_line_are_nobodys_business() -> None:
    rehearsal, hearing = await greeted(transfer={"accept": "answer"})
    hearing.turn(PERSON)
    rehearsal.runner.feed(on.LegAnswered("human-1"))
    before = len(rehearsal.runner.record.transcript)
    hearing.part("Auf Wiederhören")
    assert not hearing.turn("Mein Kontostand ist geheim, auf Wiederhören")
    assert len(rehearsal.runner.record.transcript) == before
    await rehearsal.close()


async def test_a_wish_as_the_message_is_the_message() -> None:
    rehearsal, hearing = await greeted(fallback={"ask_message": True})
    hearing.turn(PERSON)
    await rehearsal.run_until(45.0)
    assert rehearsal.runner.state.phase is Phase.TAKING_MESSAGE
    hearing.turn("Ich will mit einem Menschen sprechen")
    await rehearsal.settle()
    assert rehearsal.runner.facts.message.subject == "Ich will mit einem Menschen sprechen"
    await rehearsal.close()

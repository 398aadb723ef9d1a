from __future__ import annotations

import pytest

from callisi_runtime.errors import UsageError
from callisi_runtime.flow import Phase
from tests.rehearse.kit import PERSON, cast, outcome_of, plan_of, played, said

GREETING_SECONDS = 7.0


async def test_the_greeting_is_the_first_thing_said_and_names_the_ai() -> None:
    call = await outcome_of(["/hangup"])
    assert call["transcript"][0] == {
        "at": 0.0,
        "who": "agent",
        "text": "Guten Tag, hier ist Clara, die KI-Assistentin von Callisi. Was kann ich für Sie tun?",
    }


async def test_the_caller_speaks_one_second_after_the_agent_has_finished() -> None:
    call = await outcome_of(["Guten Tag", "/hangup"])
    greeting, line = call["transcript"][:2]
    assert line["at"] == pytest.approx(len(greeting["text"]) / 14 + 1.0, abs=0.1)


async def test_a_line_falls_into_the_ringing() -> None:
    call = await outcome_of([PERSON, "Hallo, ist da jemand?"])
    at = next(line["at"] for line in call["transcript"] if line["text"].startswith("Hallo"))
    rang_out = next(line["at"] for line in call["transcript"] if "niemanden" in line["text"])
    assert at < rang_out


async def test_a_wait_is_over_when_it_is_over_and_what_follows_comes_at_once() -> None:
    call = await outcome_of(["/wait 2s", "/hangup"])
    assert call["seconds"] == 2.0
    assert call["outcome"] == "caller_left"


async def test_the_same_call_goes_the_same_way_every_time() -> None:
    lines = [PERSON, "Sind Sie ein Mensch?", "Danke"]
    assert await outcome_of(lines) == await outcome_of(lines)


async def test_nobody_picks_up_so_staff_gets_a_message_and_the_caller_the_truth() -> None:
    call = await outcome_of([PERSON])
    assert call["outcome"] == "rang_out"
    [message] = call["notifications"]
    assert (message["channel"], message["to"], message["status"]) == ("sms", "+491713920011", "delivered")
    assert "Bitte Rückruf an 0152 28817386" in message["body"]
    assert call["obligations"] == [{"state": "closed", "evidence": "message_accepted"}]
    accepted_at = message["at"]
    claim = next(line for line in call["transcript"] if "informiert" in line["text"])
    assert claim["at"] > accepted_at


async def test_the_ring_timeout_of_the_file_is_kept() -> None:
    rehearsal = await played([PERSON], plan_of(transfer={"ring_timeout": 10}))
    failed = next(one for one in rehearsal.runner.record.timeline if one.kind == "event.LegFailed")
    dialled = next(one for one in rehearsal.runner.record.timeline if one.kind == "effect.Dial")
    assert failed.at - dialled.at == pytest.approx(10.0)


async def test_nothing_is_claimed_when_every_channel_has_refused() -> None:
    call = await outcome_of([PERSON], providers={"sms": "21610"})
    assert not any("informiert" in text for text in said(call))
    assert call["obligations"] == [{"state": "open", "evidence": None}]
    assert call["notifications"][0]["status"] == "failed"


async def test_a_provider_that_is_unwell_for_a_while_is_tried_again() -> None:
    call = await outcome_of([PERSON, "/provider sms 503", "/wait 36s", "/provider sms up"])
    assert call["notifications"][0]["status"] == "delivered"
    assert any("versuche noch" in text for text in said(call))
    assert any("informiert" in text for text in said(call))


async def test_a_person_takes_the_call_and_talks_with_the_caller() -> None:
    call = await outcome_of(
        [PERSON, "Hier ist Weber", "/staff say Guten Tag", "/staff hangup"], staff="answers"
    )
    assert call["outcome"] == "accepted"
    assert said(call, "staff")[-1] == "Guten Tag"
    assert call["notifications"] == []


async def test_a_person_who_only_picks_up_has_not_taken_the_call() -> None:
    call = await outcome_of([PERSON], staff="picks-up")
    assert call["outcome"] == "not_accepted"


async def test_a_key_on_a_telephone_that_rings_picks_it_up_first() -> None:
    call = await outcome_of([PERSON, "/staff press 1", "/hangup"], staff="no-answer")
    assert call["outcome"] == "accepted"


async def test_a_telephone_can_change_its_mind_while_it_rings() -> None:
    call = await outcome_of([PERSON, "/wait 5s", "/staff declined"])
    assert call["outcome"] == "declined"
    assert call["seconds"] < 75


async def test_words_are_not_understood_while_the_transcriber_is_down() -> None:
    call = await outcome_of(["/provider stt down", PERSON, "/press 1"], staff="answers")
    assert call["outcome"] == "accepted"
    assert call["dialled"] == ["+493023125111"]


async def test_the_model_comes_back() -> None:
    call = await outcome_of(
        ["/provider llm slow 1s", "Wie spät ist es?", "/provider llm up", "Wie spät ist es?"]
    )
    assert len([text for text in said(call) if text.startswith("Es ist Montag")]) == 2


async def test_the_agent_knows_what_the_machine_has_said() -> None:
    rehearsal = await played(["Guten Tag", "/hangup"])
    call = rehearsal.runner.record.transcript
    assert [line.who for line in call] == ["agent", "caller", "agent"]


async def test_lines_that_come_after_the_end_are_counted() -> None:
    call = await outcome_of(["/hangup", "Hallo?", "/wait 2s", "Sind Sie noch da?"])
    assert call["unsaid"] == 2


async def test_a_silent_caller_is_asked_and_then_the_call_ends() -> None:
    call = await outcome_of([])
    assert "Sind Sie noch da?" in said(call)
    assert call["seconds"] < 120


async def test_a_long_answer_leaves_the_caller_their_whole_silence() -> None:
    fact = [{"ask": ["Lage"], "answer": "Das ist eine lange Geschichte, " * 10}]
    call = await outcome_of(["Wie ist die Lage?"], plan_of(facts=fact))
    answer = next(line for line in call["transcript"] if line["text"].startswith("Das ist eine"))
    nudge = next(line for line in call["transcript"] if line["text"] == "Sind Sie noch da?")
    assert nudge["at"] - answer["at"] >= len(answer["text"]) / 14 + 11


@pytest.mark.parametrize(
    "line", ["/staff asleep", "/provider fax up", "/wait soon", "/press x", "/provider sms"]
)
async def test_an_act_that_makes_no_sense_is_refused_in_words(line: str) -> None:
    with pytest.raises(UsageError):
        await outcome_of([line])


async def test_nothing_is_left_running() -> None:
    import asyncio

    before = asyncio.all_tasks()
    rehearsal = await played([PERSON, "Hallo"])
    assert rehearsal.runner.state.phase is Phase.ENDED
    assert asyncio.all_tasks() == before


async def test_the_prompt_and_the_tools_are_those_of_the_plan() -> None:
    from callisi_runtime.rehearse.rehearsal import Rehearsal

    rehearsal = Rehearsal(plan_of(), cast())
    await rehearsal.start()
    talk = await rehearsal.ready()
    agent = talk.agent  # type: ignore[attr-defined]
    assert agent.instructions == rehearsal.plan.prompt(rehearsal.runner.facts)
    assert [tool.info.name for tool in agent.tools] == [tool.name for tool in rehearsal.plan.spec.tools]
    await rehearsal.close()

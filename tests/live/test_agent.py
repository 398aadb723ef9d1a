"""The agent in a real AgentSession, against a language model on loopback that speaks the real protocol."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from callisi_runtime.brain import loopback_brain
from callisi_runtime.call import LoopClock
from callisi_runtime.live.agent import ModelSilent, in_time
from callisi_runtime.live.session import turn_handling
from callisi_runtime.loopback import Brain, ChatRequest, Loopback, Reply, ToolCall
from callisi_runtime.rehearse.clock import VirtualClock
from callisi_runtime.rehearse.document import document
from callisi_runtime.rehearse.rehearsal import Rehearsal
from callisi_runtime.rehearse.script import play
from tests.rehearse.kit import PERSON, cast, outcome_of, plan_of, said


async def items(*what: str | float) -> AsyncIterator[str]:
    """A stream: texts, and pauses in seconds."""
    for one in what:
        if isinstance(one, str):
            yield one
        else:
            await asyncio.sleep(one)


async def heard(stream: AsyncIterator[str], first_word: float, give_up: float) -> list[str | None]:
    return [one async for one in in_time(stream, LoopClock(), first_word, give_up)]


async def test_a_model_that_answers_in_time_is_passed_on_as_it_is() -> None:
    assert await heard(items("Guten ", "Tag"), 1.0, 2.0) == ["Guten ", "Tag"]


async def test_a_model_that_takes_its_time_is_announced_once() -> None:
    assert await heard(items(0.05, "Guten ", 0.05, "Tag"), 0.02, 1.0) == [None, "Guten ", "Tag"]


async def test_a_model_that_never_begins_is_given_up() -> None:
    with pytest.raises(ModelSilent):
        await heard(items(60.0, "zu spät"), 0.01, 0.05)


async def test_a_model_that_stops_in_the_middle_is_given_up() -> None:
    stream = in_time(items("Guten ", 60.0, "Tag"), LoopClock(), 0.05, 0.05)
    assert await anext(stream) == "Guten "
    with pytest.raises(ModelSilent):
        await anext(stream)


async def test_deadlines_live_by_the_calls_own_clock() -> None:
    clock = VirtualClock()
    got = asyncio.create_task(_first(in_time(items(60.0), clock, 1.5, 8.0)))
    await asyncio.sleep(0.02)
    assert not got.done()
    clock.advance(2.0)
    assert await asyncio.wait_for(got, 1.0) is None


async def _first(stream: AsyncIterator[str | None]) -> str | None:
    async for one in stream:
        return one
    raise AssertionError("nothing came")


async def test_the_model_is_not_asked_where_the_machine_knows() -> None:
    call = await outcome_of([PERSON], providers={"llm": "down"}, staff="answers")
    assert call["outcome"] == "accepted"
    assert not any("Störung" in text for text in said(call))


async def test_a_model_that_is_down_hands_the_caller_to_a_person() -> None:
    call = await outcome_of(["Was kostet das?"], providers={"llm": "down"}, staff="answers")
    assert call["outcome"] == "accepted"
    assert any("technische Störung" in text for text in said(call))


async def test_a_model_that_hangs_is_announced_then_given_up_in_time() -> None:
    call = await outcome_of(["Was kostet das?"], providers={"llm": "hang"}, staff="answers")
    asked = next(line for line in call["transcript"] if line["who"] == "caller")
    spoken = asked["at"] + len(asked["text"]) / 14
    word = next(line for line in call["transcript"] if line["text"] == "Einen kleinen Moment bitte.")
    given_up = next(line for line in call["transcript"] if "Störung" in line["text"])
    assert word["at"] - spoken == pytest.approx(1.5, abs=0.2)
    assert given_up["at"] - spoken == pytest.approx(8.0, abs=0.2)


async def test_facts_are_answered_while_the_model_is_down() -> None:
    call = await outcome_of(["Wird das aufgezeichnet?", "/hangup"], providers={"llm": "down"})
    assert said(call)[-1].endswith("wird nicht aufgezeichnet.")
    assert call["outcome"] == "caller_left"


async def test_the_model_says_nothing_after_a_tool_that_leaves_speaking_to_the_machine() -> None:
    call = await outcome_of(["Danke, das wars"])
    assert said(call)[-1] == "Vielen Dank für Ihren Anruf. Auf Wiederhören."
    assert not any("System" in text for text in said(call))


async def with_model(
    brain: Brain, lines: list[str], monkeypatch: pytest.MonkeyPatch, **who: Any
) -> tuple[dict[str, Any], Loopback]:
    """A rehearsal whose language model is the loopback's, through the real plugin."""
    async with Loopback(["openai"], reply=brain) as loopback:
        for name, value in loopback.environ().items():
            monkeypatch.setenv(name, value)
        rehearsal = Rehearsal(plan_of(), replace(cast(**who), real_model=True))
        async with asyncio.timeout(30):
            await play(rehearsal, lines)
        return document(rehearsal), loopback


async def test_the_real_plugin_sends_prompt_tools_and_what_the_machine_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[ChatRequest] = []

    def brain(request: ChatRequest) -> Reply:
        asked.append(request)
        return Reply("Das kostet nichts.")

    call, _ = await with_model(brain, ["Was kostet das?", "/hangup"], monkeypatch)
    [request] = asked
    assert said(call)[-1] == "Das kostet nichts."
    assert request.messages[0]["content"].startswith("Du bist Clara")
    assert "Guten Tag, hier ist Clara" in str(request.messages)
    assert set(request.tools) == {"current_time", "end_call", "request_human_transfer", "take_message"}


async def test_two_calls_of_the_same_tool_in_one_answer_dial_once(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = (ToolCall("request_human_transfer", {}), ToolCall("request_human_transfer", {}))
    call, _ = await with_model(
        lambda _: Reply(tool_calls=twice), ["Ich komme nicht weiter mit Ihnen"], monkeypatch, staff="answers"
    )
    assert call["dialled"] == ["+493023125111"]
    assert call["outcome"] == "accepted"


async def test_a_wrong_argument_is_told_to_the_model_which_does_better(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []

    def brain(request: ChatRequest) -> Reply:
        if request.last_role == "tool":
            seen.append(str(request.messages[-1]["content"]))
            return Reply(tool_calls=(ToolCall("take_message", {"subject": "Termin"}),))
        return Reply(tool_calls=(ToolCall("take_message", {"thema": "Termin"}),))

    call, _ = await with_model(brain, ["Es geht um meinen Termin"], monkeypatch)
    assert "falsche Angabe" in seen[0]
    assert "Termin" in call["notifications"][0]["body"]


async def test_an_error_of_the_provider_hands_the_caller_to_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    def brain(request: ChatRequest) -> Reply:
        raise AssertionError("the fault comes first")

    async with Loopback(["openai"], reply=brain) as loopback:
        loopback.openai.faults.add("chat", "status:500", times=5)
        for name, value in loopback.environ().items():
            monkeypatch.setenv(name, value)
        rehearsal = Rehearsal(plan_of(), replace(cast(staff="answers"), real_model=True))
        await play(rehearsal, ["Was kostet das?"])
    assert rehearsal.runner.record.outcome == "accepted"


async def test_the_small_brain_plays_the_loopbacks_model(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["Wie spät ist es?", "Ich möchte eine Nachricht hinterlassen", "Mein Paket ist da"]
    call, _ = await with_model(loopback_brain(plan_of()), lines, monkeypatch)
    assert any(text.startswith("Es ist Montag") for text in said(call))
    assert "Mein Paket ist da" in call["notifications"][0]["body"]


LIMIT = {
    "per_call": "2.02 EUR",  # enough for two answers, with the transfer that is set aside
    "minute": "0.04 EUR",
    "turn": "0.02 EUR",
    "forward_minute": "0.10 EUR",
    "message": "0.12 EUR",
}


async def test_the_model_is_asked_as_often_as_it_can_be_paid(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[ChatRequest] = []

    def brain(request: ChatRequest) -> Reply:
        asked.append(request)
        return Reply("Das kostet nichts.")

    lines = ["Was kostet das?", "Und im zweiten Jahr?", "Und im dritten Jahr?"]
    async with Loopback(["openai"], reply=brain) as loopback:
        for name, value in loopback.environ().items():
            monkeypatch.setenv(name, value)
        rehearsal = Rehearsal(
            plan_of(limits={"cost": LIMIT}), replace(cast(staff="answers"), real_model=True)
        )
        async with asyncio.timeout(30):
            await play(rehearsal, lines)
    call = document(rehearsal)
    assert len(asked) == 2
    assert any("nicht selbst weiterführen" in text for text in said(call))
    assert call["outcome"] == "accepted"


def test_where_money_is_counted_nothing_is_asked_before_the_caller_has_finished() -> None:
    turn = plan_of().spec.voice.turn
    assert turn_handling(turn, ahead=False)["preemptive_generation"] == {"enabled": False}
    assert "preemptive_generation" not in turn_handling(turn)

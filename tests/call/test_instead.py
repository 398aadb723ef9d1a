"""A sentence that does not hold any more when its turn comes: another is said in its place, or none."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from callisi_runtime.call import CallRunner, LoopClock, NoBooks
from callisi_runtime.checks import load_agent
from callisi_runtime.flow import CallState, Phase
from callisi_runtime.flow import events as on
from callisi_runtime.phone import normalise
from callisi_runtime.plan import CallFacts, make_plan
from callisi_runtime.settings import Settings

from .quiet import QuietHands, agent_file


class Voice(QuietHands):
    """Says a sentence when the test lets it."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.free = asyncio.Semaphore(0)

    async def say(self, key: str, text: str) -> bool:
        self.said.append(key)
        await self.free.acquire()
        return True


def call(voice: Voice, *speech: str) -> CallRunner:
    """A call in which these sentences are said, and a message is on its way."""
    plan = make_plan(load_agent(agent_file(), {}).value, Settings.from_environ({}))
    facts = CallFacts("call-1", normalise("+4915228817386"), datetime.now(UTC))
    state = CallState(phase=Phase.CLOSING, then="close", note="sending", notes=1, owed=True, transfers=2)
    runner = CallRunner(plan, facts, voice, NoBooks(), LoopClock(), state._replace(speech=speech))
    for key in speech:
        runner._speech.append((key, None))
    runner._speak_on()
    return runner


async def says(voice: Voice, runner: CallRunner) -> list[str]:
    for _ in range(10):
        voice.free.release()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    await runner.stop()
    return voice.said


async def test_trying_gives_way_when_the_message_dies_before_its_turn() -> None:
    voice = Voice()
    runner = call(voice, "no_answer", "trying", "goodbye")
    await asyncio.sleep(0)
    runner.feed(on.NoteFailed(1))
    assert await says(voice, runner) == ["no_answer", "failed", "goodbye"]


async def test_trying_that_has_begun_is_said_to_its_end_and_what_is_known_comes_right_after() -> None:
    voice = Voice()
    runner = call(voice, "trying", "goodbye")
    await asyncio.sleep(0)
    runner.feed(on.NoteAccepted(1, "sms"))
    assert await says(voice, runner) == ["trying", "notified", "goodbye"]


async def test_its_turn_may_come_before_the_effect_does() -> None:
    voice = Voice()
    runner = call(voice, "trying", "goodbye")
    runner.feed(on.NoteFailed(1))  # before the voice has begun
    assert await says(voice, runner) == ["failed", "goodbye"]


@pytest.mark.parametrize("speech", [("notified", "goodbye"), ("notified", "time_over", "goodbye")])
async def test_goodbye_is_not_said_to_who_asks_for_a_person_while_being_told(speech: tuple[str, ...]) -> None:
    voice = Voice()
    runner = call(voice, *speech)
    runner.state = runner.state._replace(note="accepted", transfers=0, allowed=(0,))
    await asyncio.sleep(0)
    runner.feed(on.PersonWanted())
    assert (await says(voice, runner))[:2] == ["notified", "connecting"]

"""The session's handlers on audio: a row for each, on a real AgentSession with a caller who speaks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from callisi_runtime.call.record import Line
from callisi_runtime.flow import Phase
from callisi_runtime.flow import events as on
from callisi_runtime.loopback import ChatRequest, Reply
from tests.live.talk import MISSING, livekit_server, talk, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"not on PATH: {' '.join(MISSING)}"),
    pytest.mark.xdist_group("audio"),
    pytest.mark.timeout(180),
]
PERSON = "Ich möchte bitte mit einem Menschen sprechen"
QUESTION = "Was kostet das im ersten Jahr?"
SHORT = "Das kostet nichts."
LONG = " ".join(["Das erkläre ich Ihnen gern in aller Ruhe."] * 20)
"""About a minute."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with livekit_server() as address:
        yield address


class Asked:
    """A model that keeps what it was asked, and answers the same every time."""

    def __init__(self, answer: str = SHORT) -> None:
        self.requests: list[ChatRequest] = []
        self.answer = answer
        self.may = asyncio.Event()
        self.may.set()

    async def __call__(self, request: ChatRequest) -> Reply:
        self.requests.append(request)
        await self.may.wait()
        return Reply(self.answer)


async def test_a_question_is_answered_aloud(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`on_user_turn_completed`, `llm_node`, `_agent_state` and `_user_state`."""
    async with talk(url, monkeypatch, model := Asked()) as call:
        await call.caller.say(QUESTION)
        assert True in call.runner.talks, "the caller talks"
        await call.caller.hears()
        assert call.runner.talks[-1], "the model talks"
        await until(lambda: not call.runner.talks[-1])
    assert QUESTION in str(model.requests[-1].messages)
    assert SHORT in call.spoken()


async def test_a_wish_in_a_final_transcript_dials_without_the_model(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`_transcribed`: before the caller's turn is over."""
    async with talk(url, monkeypatch, Asked()) as call:
        known: list[str] = []
        call.runner.observers.append(lambda event, *_: known.append(call.runner.last_words))
        await call.caller.say(PERSON)
        await until(lambda: call.dialled)
        assert known[0] == ""
        assert call.runner.state.phase is Phase.CONNECTING
    assert call.dialled == [0]
    assert not call.loopback.openai.log.of("speech")


async def test_an_answer_that_comes_after_the_call_has_moved_on_is_not_said(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`listen(False)` and `interrupt` while the model thinks."""
    async with talk(url, monkeypatch, model := Asked()) as call:
        model.may.clear()
        await call.caller.say(QUESTION)
        await until(lambda: model.requests)
        call.runner.feed(on.PersonWanted())
        await until(lambda: call.dialled)
        model.may.set()
        await call.caller.hears_nothing(2.0)
    assert SHORT not in call.spoken()


async def test_who_talks_into_the_models_words_has_the_floor(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both talk at once: the model's words stop, and what the caller said is answered."""
    async with talk(url, monkeypatch, model := Asked(LONG)) as call:
        await call.caller.say(QUESTION)
        await call.caller.hears()
        asked = len(model.requests)
        model.answer = SHORT
        await call.caller.say("Moment, ich meine etwas ganz anderes als das, was Sie mir erklären.")
        await until(lambda: len(model.requests) > asked)
        await call.caller.hears_nothing(2.0)
    assert "etwas ganz anderes" in str(model.requests[-1].messages)


async def test_a_transcript_that_comes_when_the_caller_talks_to_a_person_is_nobodys_business(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`_transcribed` and `on_user_turn_completed` after the call has moved on."""
    async with talk(url, monkeypatch, model := Asked()) as call:
        call.caller.recogniser.free.clear()
        await call.caller.say(PERSON)
        call.runner.feed(on.PersonWanted())
        await until(lambda: call.dialled)
        call.runner.feed(on.LegAnswered("human-1"))
        call.runner.feed(on.KeyPressed("1", "human-1"))
        assert call.runner.state.phase is Phase.CONNECTED
        call.caller.recogniser.free.set()
        await call.loopback.deepgram.log.wait_for("transcript", timeout=40.0)
        await call.caller.hears_nothing(2.0)
        assert call.runner.state.phase is Phase.CONNECTED
    assert call.dialled == [0]
    assert call.runner.last_words == ""
    assert not model.requests


async def test_what_is_said_into_a_fixed_sentence_is_answered_after_it(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`_machine_moved` and `answer_late`."""
    async with talk(url, monkeypatch, model := Asked()) as call:
        call.hands.may_end.clear()
        call.runner.feed(on.PersonWanted())
        call.runner.feed(on.Withdrawn())
        assert call.runner.state.speech == ("anything_else",)
        await call.caller.say(QUESTION)
        await until(lambda: call.runner.last_words == QUESTION)
        assert not model.requests
        call.hands.may_end.set()
        await until(lambda: model.requests)
        await call.caller.hears()
    assert SHORT in call.spoken()


async def test_the_model_knows_what_was_said_before_and_beside_it(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`recall` and `remember`, before the session is open and after it."""
    async with talk(url, monkeypatch, model := Asked(), opened=False) as call:
        call.conversation.recall([Line(0.0, "caller", "Es geht um mein Paket.")])
        await call.conversation.open(call.runner)
        call.conversation.remember("Bitte bleiben Sie dran.")
        await call.caller.say(QUESTION)
        await until(lambda: model.requests)
    told = str(model.requests[-1].messages)
    assert "Guten Tag, hier ist Clara" in told
    assert "Es geht um mein Paket." in told
    assert "Bitte bleiben Sie dran." in told


async def test_closed_it_hears_nothing_and_costs_nothing_and_opens_again(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`close`, `on_exit`, and `listen(True)` after it."""
    async with talk(url, monkeypatch, model := Asked()) as call:
        await call.caller.say(QUESTION)
        await until(lambda: model.requests)
        await call.conversation.close()
        await call.loopback.deepgram.log.wait_for("closed", timeout=40.0)
        assert not call.runner.observers
        call.conversation.listen(True)
        asked = len(model.requests)
        await call.loopback.deepgram.log.wait_for("listen", count=2, timeout=40.0)
        await call.caller.say("Und im zweiten Jahr?")
        await until(lambda: len(model.requests) > asked)
    assert "zweiten Jahr" in str(model.requests[-1].messages)


async def test_a_transcriber_that_fails_for_good_is_told_to_the_machine(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`_fault` of the transcriber."""
    async with talk(url, monkeypatch, Asked(), opened=False) as call:
        call.loopback.deepgram.faults.add("listen", "status:500", times=None)
        await call.conversation.open(call.runner)
        await until(lambda: not call.runner.state.ears_up)
        assert call.runner.state.model_up


async def test_a_voice_that_fails_for_good_is_told_to_the_machine(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`_fault` of the voice: one failure is none yet."""
    async with talk(url, monkeypatch, model := Asked()) as call:
        call.loopback.openai.faults.add("speech", "status:500", times=None)
        await call.caller.say(QUESTION)
        await call.loopback.openai.log.wait_for("speech", timeout=40.0)
        assert call.runner.state.model_up
        await call.caller.say("Hallo, sind Sie noch da?")
        await until(lambda: not call.runner.state.model_up)
    assert model.requests


async def test_a_model_that_fails_is_followed_by_the_next_of_the_list(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Failover: the caller hears the answer of the second, and the machine hears of nothing."""
    voice = {"llm": ["openai/gpt-4.1-mini", "openai/gpt-4.1"]}
    async with talk(url, monkeypatch, Asked(), voice=voice) as call:
        call.loopback.openai.faults.add("chat", "status:500", times=1)
        await call.caller.say(QUESTION)
        await call.caller.hears()
        assert call.runner.state.able
    first, second = call.loopback.openai.log.of("chat")[:2]
    assert first.fault == "status:500"
    assert second.fault is None
    assert SHORT in call.spoken()


async def test_a_model_that_fails_alone_hands_the_caller_to_a_person(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`model_failed`."""
    async with talk(url, monkeypatch, Asked()) as call:
        call.loopback.openai.faults.add("chat", "status:500", times=None)
        await call.caller.say(QUESTION)
        await until(lambda: call.dialled)
        assert not call.runner.state.model_up

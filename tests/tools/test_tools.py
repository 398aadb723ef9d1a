from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, get_args

import pytest

from callisi_runtime.call import CallRunner
from callisi_runtime.flow import Phase
from callisi_runtime.flow import events as on
from callisi_runtime.rehearse.rehearsal import Rehearsal
from callisi_runtime.spec import ToolName
from callisi_runtime.tools import TOOLS, ToolMistake, tools_of
from tests.rehearse.kit import cast, plan_of


async def conversing(**changes: Any) -> Rehearsal:
    """A call in which the caller has just been greeted."""
    rehearsal = Rehearsal(plan_of(**changes), cast(staff="answers"))
    await rehearsal.start()
    await rehearsal.until_turn()
    return rehearsal


@pytest.fixture
async def call() -> AsyncIterator[CallRunner]:
    rehearsal = await conversing()
    yield rehearsal.runner
    await rehearsal.close()


def test_every_tool_of_the_vocabulary_exists_under_its_own_name() -> None:
    assert set(TOOLS) == set(get_args(ToolName))
    assert all(tool.name == name for name, tool in TOOLS.items())


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_is_described_in_full(name: str) -> None:
    tool = TOOLS[name]
    assert tool.description.endswith(".")
    assert tool.parameters["type"] == "object"
    assert tool.parameters["additionalProperties"] is False
    assert all("description" in one for one in tool.parameters["properties"].values())


def test_the_files_own_description_wins() -> None:
    plan = plan_of(tools=[{"end_call": {"description": "Leg auf."}}, "current_time"])
    assert [tool.description for tool in tools_of(plan.spec)] == [
        "Leg auf.",
        TOOLS["current_time"].description,
    ]


@pytest.mark.parametrize("name", TOOLS)
async def test_an_unknown_argument_is_refused_with_a_word_to_the_model(name: str, call: CallRunner) -> None:
    before = call.state
    with pytest.raises(ToolMistake, match="falsche Angabe: number"):
        TOOLS[name].run({"subject": "Vertrag", "number": "+4930"}, call)
    assert call.state == before


@pytest.mark.parametrize("arguments", [{}, {"subject": ""}, {"subject": 7}, {"subject": "x" * 400}])
async def test_a_message_without_a_subject_is_no_message(arguments: dict[str, Any], call: CallRunner) -> None:
    with pytest.raises(ToolMistake, match="subject"):
        TOOLS["take_message"].run(arguments, call)
    assert call.state.phase is Phase.CONVERSING


async def test_the_time_is_that_of_the_call(call: CallRunner) -> None:
    answer = TOOLS["current_time"].run({}, call)
    assert answer.text == "Es ist Montag, der 23. November 2026, 14:05 Uhr."
    assert answer.reply


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        ({"open": {"mo-fr": "08:00-17:00"}}, "Jetzt ist geöffnet."),
        ({"open": {"sa": "09:00-12:00"}}, "wieder geöffnet ist am Samstag, 28.11., 09:00 Uhr."),
        ({"open": {"mo": "08:00-12:00"}}, "wieder geöffnet ist am Montag, 30.11., 08:00 Uhr."),
    ],
)
async def test_the_hours_say_what_holds_now(hours: dict[str, Any], words: str) -> None:
    rehearsal = await conversing(hours=hours)
    assert TOOLS["opening_hours"].run({}, rehearsal.runner).text.endswith(words)
    await rehearsal.close()


async def test_without_hours_none_are_invented(call: CallRunner) -> None:
    assert TOOLS["opening_hours"].run({}, call).text == "Es sind keine festen Öffnungszeiten hinterlegt."


async def test_a_wish_for_a_person_dials_and_leaves_speaking_to_the_machine(call: CallRunner) -> None:
    answer = TOOLS["request_human_transfer"].run({"reason": "Vertrag"}, call)
    assert not answer.reply
    assert call.state.phase is Phase.CONNECTING
    assert call.facts.message.subject == "Vertrag"


async def test_a_wish_that_the_model_doubles_dials_once(call: CallRunner) -> None:
    for _ in range(3):
        TOOLS["request_human_transfer"].run({}, call)
    assert call.state.dialled == 1


async def test_a_message_is_kept_and_sent(call: CallRunner) -> None:
    answer = TOOLS["take_message"].run({"subject": "Termin verschieben", "name": "Weber"}, call)
    assert not answer.reply
    assert call.state.phase is Phase.NOTIFYING
    assert (call.facts.message.subject, call.facts.message.name) == ("Termin verschieben", "Weber")


async def test_a_message_while_it_rings_is_for_the_person_who_picks_up(call: CallRunner) -> None:
    call.feed(on.PersonWanted())
    answer = TOOLS["take_message"].run({"subject": "Termin verschieben"}, call)
    assert answer.reply
    assert call.state.phase is Phase.CONNECTING
    await asyncio.sleep(0)
    assert "Termin verschieben" in call.plan.sentence("prompt", call.facts)


async def test_the_end_of_the_call_is_said_by_the_machine(call: CallRunner) -> None:
    answer = TOOLS["end_call"].run({}, call)
    assert not answer.reply
    assert call.state.phase is Phase.CLOSING

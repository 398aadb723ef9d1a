"""How long things are kept, and what a caller may ask for."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import TYPE_CHECKING

from callisi_runtime.ledger.retention import erase_caller, export_caller, forget_daily, forget_old

from .conftest import CALL, Clock, make_note

if TYPE_CHECKING:
    from callisi_runtime.ledger import Ledger

DAY = 86_400.0


async def past_call(
    ledger: Ledger, number: int, *, evidence: str | None = "served", age: float = 100.0
) -> str:
    """A call that ended `age` days ago, its notification cancelled; without evidence its promise is open."""
    call_id = f"call-{number}"
    await ledger.begin_call(dataclasses.replace(CALL, id=call_id, started=ledger.clock() - age * DAY))
    await ledger.add_event(call_id, ledger.clock(), "greeted", {})
    await ledger.arm(make_note(call_id=call_id), due_in=30)
    await ledger.settle(call_id, outcome="answered", send=False, evidence=evidence)
    await ledger.end_call(call_id, outcome="answered", transcript=[{"role": "user", "text": "vertraulich"}])
    return call_id


async def ids(ledger: Ledger) -> set[str]:
    return {call.id for call in await ledger.calls()}


async def test_old_calls_go_and_new_ones_stay(ledger: Ledger) -> None:
    await past_call(ledger, 1, age=91)
    await past_call(ledger, 2, age=89)
    assert await forget_old(ledger, days=90) == 1
    assert await ids(ledger) == {"call-2"}
    assert await ledger.notification("call-1:no_answer") is None


async def test_many_old_calls_go_in_batches(ledger: Ledger) -> None:
    for number in range(5):
        await past_call(ledger, number)
    assert await forget_old(ledger) == 5
    assert await ids(ledger) == set()


async def test_an_open_promise_is_kept_however_old(ledger: Ledger) -> None:
    await past_call(ledger, 1, evidence=None, age=1000)
    assert await forget_old(ledger) == 0
    assert await ids(ledger) == {"call-1"}


async def test_a_dead_letter_and_a_live_one_are_kept(ledger: Ledger, clock: Clock) -> None:
    for number in (1, 2):
        await past_call(ledger, number)
        await ledger.arm(
            dataclasses.replace(make_note(call_id=f"call-{number}"), id=f"call-{number}:late"), due_in=number
        )
    clock.advance(1)
    (row,) = await ledger.claim(5, lease=60)
    await ledger.onward(row, "refused", "rejected")
    assert await forget_old(ledger) == 0
    assert await ids(ledger) == {"call-1", "call-2"}


async def test_a_caller_sees_everything_about_them_and_nothing_of_others(ledger: Ledger) -> None:
    await past_call(ledger, 1)
    await ledger.begin_call(dataclasses.replace(CALL, id="call-2", caller="+4940999"))
    (entry,) = await export_caller(ledger, "+4930123456")
    text = json.dumps(entry)
    assert "vertraulich" in text
    assert "greeted" in text
    assert "+4940999" not in text


async def test_a_caller_is_erased_but_the_open_promise_stays_callable(ledger: Ledger) -> None:
    await past_call(ledger, 1)
    await past_call(ledger, 2, evidence=None)
    result = await erase_caller(ledger, "+4930123456")
    assert (result.erased, result.kept) == (("call-1",), ("call-2",))
    call = await ledger.call("call-2")
    assert call is not None
    assert (call.caller, call.transcript, await ledger.timeline("call-2")) == ("+4930123456", None, [])


async def test_a_call_that_goes_on_keeps_its_state(ledger: Ledger) -> None:
    await ledger.begin_call(CALL)
    await ledger.save_call("call-1", state={"phase": 1})
    assert (await erase_caller(ledger, "+4930123456")).kept == ("call-1",)
    call = await ledger.call("call-1")
    assert call is not None
    assert call.state == {"phase": 1}


async def test_one_agents_calls_are_deleted_by_its_own_file(ledger: Ledger, clock: Clock) -> None:
    for call_id, agent in (("call-1", "clara"), ("call-2", "otto")):
        await ledger.begin_call(dataclasses.replace(CALL, id=call_id, agent=agent))
        await ledger.close_obligation(call_id, "served")
    clock.advance(100 * 86_400)
    assert await forget_old(ledger, 30, "clara") == 1
    assert [call.agent for call in await ledger.calls()] == ["otto"]


async def test_old_calls_are_deleted_while_a_worker_runs(ledger: Ledger, clock: Clock) -> None:
    await ledger.begin_call(CALL)
    await ledger.close_obligation("call-1", "served")
    clock.advance(100 * 86_400)
    stop = asyncio.Event()
    forgetting = asyncio.create_task(forget_daily(ledger, "clara", 90, stop, first_after=0.01))
    async with asyncio.timeout(10):
        while await ledger.calls():
            await asyncio.sleep(0.01)
    stop.set()
    await forgetting

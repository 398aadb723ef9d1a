"""The database server goes away during calls: nobody is lost, and nobody is told twice."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from callisi_runtime.ledger import CallRow, Ledger, LedgerWithLocal, Note, Receipt, Step, ledger_at
from callisi_runtime.notify import Pace, Sender, Sent
from callisi_runtime.notify.staff import Inbound, take_inbound

from .conftest import CALL, Clock, make_note

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection
    from pathlib import Path

    from .postgres_server import PostgresServer

pytestmark = pytest.mark.postgres
NOTE = "call-1:no_answer"
STAFF = "+4917012345"


class Channel:
    """Takes every message and counts it."""

    finds = False

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def send(self, note: Note, step: Step) -> Sent:
        self.sent.append(note.id)
        return Sent("SM1", "none")

    async def find(self, note: Note, step: Step, *, ignore: Collection[str] = ()) -> Sent | None:
        return None

    async def status(self, sid: str, step: Step) -> Receipt:
        return Receipt("delivered", sid)


@pytest.fixture
async def both(postgres: PostgresServer, tmp_path: Path, clock: Clock) -> AsyncIterator[LedgerWithLocal]:
    ledger = LedgerWithLocal(postgres.fresh_database(), f"sqlite:///{tmp_path}/local.db", clock=clock)
    await ledger.open()
    yield ledger
    await ledger.close()


async def back(postgres: PostgresServer, ledger: LedgerWithLocal, clock: Clock) -> None:
    """The server answers again; what was to fire meanwhile fires now."""
    postgres.start()
    clock.advance(100)
    await ledger.hand_over()


async def test_only_a_server_needs_a_file_beside_it(tmp_path: Path) -> None:
    assert type(ledger_at(f"sqlite:///{tmp_path}/callisi.db")) is Ledger
    assert type(ledger_at("postgresql://127.0.0.1:9/callisi")) is LedgerWithLocal


async def test_without_trouble_there_is_no_file(both: LedgerWithLocal, tmp_path: Path) -> None:
    await both.begin_call(CALL)
    await both.arm(make_note(), due_in=30)
    await both.settle("call-1", outcome="no_answer", send=True)
    channel = Channel()
    assert await Sender(both, {"sms": channel}, pace=Pace()).drain() == 1
    assert not (tmp_path / "local.db").exists()


@pytest.mark.parametrize("moment", ["begin", "arm", "settle"])
async def test_staff_are_told_whenever_the_server_goes(
    both: LedgerWithLocal, postgres: PostgresServer, clock: Clock, moment: str
) -> None:
    channel = Channel()
    sender = Sender(both, {"sms": channel}, pace=Pace())
    for now in ["begin", "arm", "settle"]:
        if now == moment:
            postgres.stop("immediate")
        if now == "begin":
            await both.begin_call(CALL)
        elif now == "arm":
            await both.before_dial(make_note(), due_in=30, phase="connecting", state={}, epoch=0)
        else:
            await both.settle("call-1", outcome="no_answer", send=True)
    delivery = await sender.deliver_now(NOTE, patience=20)
    assert [row.state for row in await both.notifications()] == ["done"], "the operator sees it meanwhile"
    await both.end_call("call-1", outcome="no_answer")
    assert (delivery.state, channel.sent) == ("accepted", [NOTE])
    await back(postgres, both, clock)
    await sender.drain()
    assert channel.sent == [NOTE], "what was armed on the server is called back"
    (obligation,) = await both.obligations(open_only=False)
    assert obligation.evidence == "message_accepted"
    (row,) = await both.notifications()
    assert (row.state, row.sid) == ("done", "SM1")
    assert [attempt.what for attempt in await both.attempts(NOTE)] == ["sent"]
    assert await both.local.calls() == []


async def test_a_person_who_took_the_call_meanwhile_is_believed(
    both: LedgerWithLocal, postgres: PostgresServer, clock: Clock
) -> None:
    await both.begin_call(CALL)
    await both.arm(make_note(), due_in=30)
    postgres.stop("immediate")
    await both.settle("call-1", outcome="answered", send=False, evidence="accepted_by_person")
    await both.end_call("call-1", outcome="answered")
    await back(postgres, both, clock)
    channel = Channel()
    assert await Sender(both, {"sms": channel}, pace=Pace()).drain() == 0
    (obligation,) = await both.obligations(open_only=False)
    assert (obligation.evidence, channel.sent) == ("accepted_by_person", [])
    call = await both.call("call-1")
    assert call is not None
    assert call.outcome == "answered"


async def test_a_successor_finds_the_call_in_the_file(
    both: LedgerWithLocal, postgres: PostgresServer, tmp_path: Path, clock: Clock
) -> None:
    await both.begin_call(CALL)
    postgres.stop("immediate")
    await both.save_call("call-1", phase="connecting", epoch=1)
    await both.add_event("call-1", 3.0, "dialled", {})
    assert [event.kind for event in await both.timeline("call-1")] == ["dialled"]
    assert await both.call("call-1") == dataclasses.replace(CALL, phase="connecting", epoch=1)
    await both.before_dial(make_note(), due_in=30, phase="connecting", state={"leg": "human-1"}, epoch=1)
    successor = LedgerWithLocal(both.url, f"sqlite:///{tmp_path}/local.db", clock=clock)
    known = await successor.begin_call(CallRow("call-1", "clara", None, 2.0, "room"))
    await successor.close()
    postgres.start()
    assert known == dataclasses.replace(CALL, phase="connecting", state={"leg": "human-1"}, epoch=1)


async def test_a_worker_starts_while_the_server_is_away(
    both: LedgerWithLocal, postgres: PostgresServer, tmp_path: Path
) -> None:
    postgres.stop("immediate")
    late = LedgerWithLocal(both.url, f"sqlite:///{tmp_path}/local.db")
    await late.open()
    assert await late.begin_call(CALL) is None
    await late.close()
    postgres.start()


async def callback(ledger: LedgerWithLocal, clock: Clock) -> None:
    """Staff has the message, and has not answered."""
    await ledger.begin_call(dataclasses.replace(CALL, started=clock()))
    await ledger.settle("call-1", outcome="no_answer", send=True, note=make_note())
    await Sender(ledger, {"sms": Channel()}, pace=Pace()).drain()


async def owner(ledger: LedgerWithLocal) -> str | None:
    (promise,) = await ledger.obligations(open_only=False)
    return promise.claimed_by


async def test_an_answer_that_comes_while_the_server_is_away_is_kept_and_taken_later(
    both: LedgerWithLocal, postgres: PostgresServer, tmp_path: Path, clock: Clock
) -> None:
    await callback(both, clock)
    postgres.stop("immediate")
    assert await take_inbound(both, Inbound("SM9", STAFF, "1")) == "later"
    assert await take_inbound(both, Inbound("SM9", STAFF, "1")) == "later", "Twilio may say it twice"
    postgres.start()
    successor = LedgerWithLocal(both.url, f"sqlite:///{tmp_path}/local.db", clock=clock)
    await Sender(successor, {"sms": Channel()}, pace=Pace()).drain()
    assert await owner(both) == STAFF
    assert [(row.sid, row.effect) for row in await both.inbound()] == [("SM9", "claimed")]
    assert await both.local.inbound() == []
    await successor.close()


async def test_an_answer_about_a_call_in_the_file_is_taken_there(
    both: LedgerWithLocal, postgres: PostgresServer, clock: Clock
) -> None:
    postgres.stop("immediate")
    await callback(both, clock)
    assert await take_inbound(both, Inbound("SM9", STAFF, "1")) == "claimed"
    assert await both.expects_answers(0.0) == [], "nobody else needs to answer"
    await both.end_call("call-1", outcome="no_answer")
    await Sender(both, {"sms": Channel()}, pace=Pace()).drain()
    await back(postgres, both, clock)
    assert await owner(both) == STAFF

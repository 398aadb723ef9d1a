"""A ledger in a file with a few calls in it, and the commands run as a shell runs them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from callisi_runtime.cli import main
from callisi_runtime.ledger import CallRow, Fault, Ledger, Note, Step, reference_for

CALLER = "+491713920011"
STAFF = "+493023125111"
BEGAN = 1_800_000_000.0


@dataclass(frozen=True, slots=True)
class Printed:
    """What a command printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Printed]


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = BEGAN

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True, slots=True)
class Office:
    """The ledger's file, and a way to write into it."""

    url: str
    clock: Clock

    def do(self, work: Callable[[Ledger], Coroutine[Any, Any, None]]) -> None:
        async def run() -> None:
            ledger = Ledger(self.url, clock=self.clock)
            await ledger.open()
            await work(ledger)
            await ledger.close()

        asyncio.run(run())


def note_of(call_id: str, *channels: str) -> Note:
    note_id = f"{call_id}:1"
    return Note(
        id=note_id,
        call_id=call_id,
        agent="clara",
        body={"texts": [f"Bitte Rückruf an {CALLER}"] * max(1, len(channels)), "facts": {}},
        route=tuple(Step(channel, STAFF) for channel in channels or ("sms",)),
        reference=reference_for(note_id),
    )


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """An empty ledger, which CALLISI_DATABASE names."""
    url = f"sqlite:///{tmp_path / 'callisi.db'}"
    for name in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "SMTP_URL", "CALLISI_PUBLIC_URL"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("CALLISI_DATABASE", url)
    monkeypatch.chdir(tmp_path)
    return Office(url, Clock())


@pytest.fixture
def busy_office(office: Office) -> Office:
    """Three calls: one served, one whose message is dead, one that goes on."""

    async def fill(ledger: Ledger) -> None:
        await ledger.begin_call(CallRow("SCL_served", "clara", CALLER, BEGAN, "call-1"))
        await ledger.add_event("SCL_served", 1.5, "event.Said", {"key": "greeting"})
        office.clock.now += 65
        await ledger.close_obligation("SCL_served", "served")
        line = {"at": 1.0, "who": "agent", "text": "Guten Tag"}
        await ledger.end_call("SCL_served", outcome="served", transcript=[line])
        office.clock.now += 60
        await ledger.begin_call(CallRow("SCL_missed", "clara", CALLER, office.clock.now, "call-2"))
        await ledger.arm(note_of("SCL_missed"), due_in=40)
        await ledger.settle("SCL_missed", outcome="rang_out", send=True)
        (row,) = await ledger.claim(1, lease=60)
        assert await ledger.onward(row, "sms: 21211 `to` is not a valid number", "rejected")
        await ledger.end_call("SCL_missed", outcome="rang_out")
        office.clock.now += 60
        await ledger.begin_call(
            CallRow("SCL_now", "clara", None, office.clock.now, "call-3", phase="greeting")
        )
        await ledger.arm(note_of("SCL_now", "sms", "email"), due_in=40)

    office.do(fill)
    return office


@pytest.fixture
def callisi(capsys: pytest.CaptureFixture[str]) -> Run:
    """`callisi("calls", "--json")`."""

    def run(*arguments: str) -> Printed:
        code = main(list(arguments))
        printed = capsys.readouterr()
        return Printed(code, printed.out, printed.err)

    return run


def failed(why: str) -> Fault:
    return Fault(why)

"""The kill storm: calls and senders that are killed or frozen at any moment, and a provider that fails in every way.

What must come out is known before it begins: state, step and number of sends of every notification.
"""

from __future__ import annotations

import asyncio
import dataclasses
import multiprocessing
import os
import random
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa

from callisi_runtime.ledger import CallRow, Ledger, NoteRow
from callisi_runtime.ledger.notes import claim
from callisi_runtime.ledger.schema import LIVE
from callisi_runtime.ledger.schema import note as notes
from callisi_runtime.ledger.values import safety_id
from callisi_runtime.notify import Channel, NotifySettings, Pace, Sender, build_channels
from callisi_runtime.notify.staff import Inbound, take_inbound

from .storm_provider import (
    LOST_BY_SMS,
    StormProvider,
    dies_before_settling,
    is_answered,
    note_for,
    number_of,
    right_end,
    right_sends,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.process import BaseProcess

PACE = Pace(lease=5.0, poll=0.1, rest=1.5, looks=2, base=0.1, cap=0.4)
LAST_WORDS = 2.0
"""Seconds for what a frozen sender does when it wakes up and everything is over."""
PATIENCE = 60.0
"""Seconds, and half a second for each notification, after which what is not over by itself is judged as it stands."""
STRANGER = "+4915111111111"
"""Writes to us during every call: what is read first and then written is what plain BEGIN cannot keep apart."""
GRACE = 2.0
"""Seconds until a call that was never settled notifies by itself."""

Point = Literal["claimed", "accepted", "before_commit"]
Mutation = Literal["none", "no_find", "no_fencing", "no_immediate", "no_lease"]


@dataclass(frozen=True, slots=True)
class Fate:
    """Where a sender is killed or frozen."""

    point: Point
    signal: signal.Signals
    kind: int | None = None
    """Only at a notification whose number ends in this."""


# ---- the processes -------------------------------------------------------------------------------------


class MortalLedger(Ledger):
    """A ledger whose process meets its fate at a named point, once; and whose protection may be broken on purpose."""

    fate: Fate | None = None
    mutation: Mutation = "none"

    def _at(self, point: Point, *rows: NoteRow) -> None:
        fate = self.fate
        if fate is None or fate.point != point:
            return
        if any(
            fate.kind is None or (fate.kind == number_of(row.note.id) % 10 and not row.step) for row in rows
        ):
            self.fate = None
            os.kill(os.getpid(), fate.signal)

    async def claim(self, limit: int, *, lease: float, note_id: str | None = None) -> list[NoteRow]:
        if self.mutation == "no_lease":
            return await self._in_thread(lambda: self._look_without_taking(limit))
        rows = await super().claim(limit, lease=lease, note_id=note_id)
        self._at("claimed", *rows)
        return rows

    def _look_without_taking(self, limit: int) -> list[NoteRow]:
        with self._ready().connect() as connection:
            return claim(connection, limit, 60.0, self.clock())

    async def taken(
        self, row: NoteRow, sid: str | None, *, poll_in: float | None, what: str = "sent"
    ) -> bool:
        self._at("accepted", row)
        return await super().taken(row, sid, poll_in=poll_in, what=what)

    async def write(self, statement: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        def last_moment(connection: sa.Connection, *inner: Any, **more: Any) -> Any:
            if self.mutation == "no_fencing":
                inner = tuple(_unfenced(connection, one) for one in inner)
            result = statement(connection, *inner, **more)
            if statement.__name__ == "taken":
                self._at("before_commit", args[0])
            return result

        if self.mutation == "no_immediate":
            return await self._in_thread(lambda: self._plain_begin(last_moment, *args, **kwargs))
        return await super().write(last_moment, *args, **kwargs)

    def _plain_begin(self, statement: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with self._ready().connect().execution_options(reading=True) as connection, connection.begin():
            return statement(connection, *args, **kwargs)


def _unfenced(connection: sa.Connection, given: Any) -> Any:
    """A claimed row with whatever token the ledger has by now."""
    if not isinstance(given, NoteRow):
        return given
    token = sa.select(notes.c.claim).where(notes.c.id == given.note.id)
    return dataclasses.replace(given, claim=connection.execute(token).scalar_one())


class Blind:
    """A channel that claims it cannot look things up."""

    finds = False

    def __init__(self, channel: Channel) -> None:
        self.send, self.find, self.status = channel.send, channel.find, channel.status


def sender_process(url: str, settings: NotifySettings, fate: Fate | None, mutation: Mutation) -> None:
    """Delivers until it is killed."""
    ledger = MortalLedger(url)
    ledger.fate, ledger.mutation = fate, mutation
    channels = build_channels(settings)
    if mutation == "no_find":
        channels = {name: Blind(channel) for name, channel in channels.items()}
    asyncio.run(Sender(ledger, channels, pace=PACE).run(asyncio.Event()))


def call_process(url: str, hook: str, numbers: list[int], mutation: Mutation) -> None:
    """Arms before the transfer and settles after it; the last calls' process dies in the middle."""
    ledger = MortalLedger(url)
    ledger.mutation = mutation
    asyncio.run(_calls(ledger, hook, numbers))


async def _calls(ledger: Ledger, hook: str, numbers: list[int]) -> None:
    await ledger.open()
    for number in sorted(numbers, key=dies_before_settling):
        call_id, note = f"call-{number}", note_for(number, hook)
        safety = dataclasses.replace(note, id=safety_id(call_id))
        await ledger.begin_call(CallRow(call_id, "clara", "+4930777", ledger.clock(), "room"), safety)
        await ledger.save_call(call_id, phase="conversing", state={}, epoch=0, safety_note=safety)
        await take_inbound(ledger, Inbound(f"SM{number}", STRANGER, "Hallo"))
        await ledger.before_dial(note, due_in=GRACE, phase="connecting", state={}, epoch=0)
        if dies_before_settling(number):
            continue
        answered = is_answered(number)
        evidence = "accepted_by_person" if answered else None
        await ledger.settle(
            call_id, outcome="answered" if answered else "no_answer", send=not answered, evidence=evidence
        )
    os.kill(os.getpid(), signal.SIGKILL)


# ---- the storm -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Storm:
    """One run: `total` notifications, `kills` killings, `freezes` freezings.

    `wrong`, `lost`, `duplicates` and `failed` (calls whose process could not write) say how it ended.
    """

    url: str
    total: int
    kills: int
    freezes: int = 0
    seed: int = 1
    mutation: Mutation = "none"
    wrong: list[str] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    duplicates: int = 0
    failed: int = 0
    killed: int = 0
    frozen: int = 0
    _fates: list[Fate] = field(default_factory=list)
    _until: float = 0.0

    @property
    def clean(self) -> bool:
        return not (self.wrong or self.lost or self.duplicates or self.failed)

    async def run(self) -> None:
        patience = PATIENCE if self.mutation == "none" else PATIENCE / 3
        self._until = time.monotonic() + patience + self.total / 2
        async with StormProvider() as provider:
            for number in range(self.total):
                provider.plan(number)
            await self._rage(provider)
            await self._judge(provider)

    async def _rage(self, provider: StormProvider) -> None:
        chance = random.Random(self.seed)
        self._fates = _fates(chance, self.kills, self.freezes)
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.ledger.storm", "twilio.rest", "psycopg"])
        settings = _settings(provider)
        ledger = Ledger(self.url)
        await ledger.open()
        calls: list[BaseProcess] = [
            context.Process(
                target=call_process,
                args=(self.url, provider.url, list(range(k, self.total, 4)), self.mutation),
            )
            for k in range(4)
        ]

        def new_sender() -> BaseProcess:
            fate = self._fates.pop() if self._fates else None
            process = context.Process(target=sender_process, args=(self.url, settings, fate, self.mutation))
            process.start()
            return process

        for process in calls:
            process.start()
        senders = [new_sender(), new_sender()]
        sleepers: list[BaseProcess] = []
        try:
            while not (await self._over(ledger, calls) or self._broken(provider) or self._too_long()):
                await asyncio.sleep(chance.uniform(0.1, 0.4))
                await self._look_after(senders, sleepers, new_sender, chance)
            await self._wake(ledger, sleepers)
        finally:
            for process in [*senders, *sleepers, *calls]:
                process.kill()
                await asyncio.to_thread(process.join)
            await ledger.close()
        self.failed = sum(process.exitcode != -signal.SIGKILL for process in calls)

    async def _look_after(
        self,
        senders: list[BaseProcess],
        sleepers: list[BaseProcess],
        new_sender: Callable[[], BaseProcess],
        chance: random.Random,
    ) -> None:
        """Kills at random, wakes the frozen, and puts a new sender where one is gone."""
        for index, process in enumerate(senders):
            if _is_frozen(process):
                self.frozen += 1
                sleepers.append(process)
                senders[index] = new_sender()
                continue
            if self.killed < self.kills and process.is_alive() and chance.random() < 0.3:
                process.kill()
            if not process.is_alive():
                self.killed += 1
                await asyncio.to_thread(process.join)
                senders[index] = new_sender()

    def _too_long(self) -> bool:
        """Without one of its protections a notification may never come to an end."""
        return time.monotonic() > self._until

    def _broken(self, provider: StormProvider) -> bool:
        """A mutation that has told somebody twice has shown itself; it may never come to an end."""
        return self.mutation == "no_lease" and self._twice(provider) > 0

    def _twice(self, provider: StormProvider) -> int:
        extra = 0
        for number in range(self.total):
            expected = right_sends(number)
            extra += sum(
                max(0, count - expected.get(channel, 0)) for channel, count in provider.sends(number).items()
            )
        return extra

    async def _wake(self, ledger: Ledger, sleepers: Sequence[BaseProcess]) -> None:
        """Whoever was frozen wakes up when all is done, and believes that nothing has happened since."""
        for process in sleepers:
            os.kill(process.pid or 0, signal.SIGCONT)
        if not sleepers:
            return
        await asyncio.sleep(LAST_WORDS)
        while await ledger.read(_alive) and not self._too_long():
            await asyncio.sleep(0.2)

    async def _over(self, ledger: Ledger, calls: Sequence[BaseProcess]) -> bool:
        if self.killed < self.kills or any(process.is_alive() for process in calls):
            return False
        return not await ledger.read(_alive)

    async def _judge(self, provider: StormProvider) -> None:
        ledger = Ledger(self.url)
        rows = {row.note.id: row for row in await ledger.notifications(limit=10_000)}
        strangers = await ledger.inbound(limit=10_000)
        open_promises = {number_of(row.call_id) for row in await ledger.obligations(limit=10_000)}
        await ledger.close()
        if {row.effect for row in strangers} != {"unknown"} or len(strangers) != self.total:
            self.wrong.append(f"{len(strangers)} messages of strangers were written down")
        for number in range(self.total):
            row, expected, end = rows.get(note_for(number, "").id), right_sends(number), right_end(number)
            if row is None or (row.state, row.step) != end:
                found = "not written" if row is None else f"{row.state} at {row.step}: {row.error}"
                self.wrong.append(f"{number}: {found}, not {end}")
            if (number in open_promises) != (end[0] == "dead"):
                is_open = "open" if number in open_promises else "closed"
                self.wrong.append(f"{number}: the promise is {is_open}")
            if (rest := rows.get(safety_id(f"call-{number}"))) is not None and rest.state != "cancelled":
                self.wrong.append(f"{number}: its safety note is {rest.state}")
            sends = provider.sends(number)
            if any(sends.get(channel, 0) < count for channel, count in expected.items()):
                self.lost.append(number)
        self.duplicates = self._twice(provider)


def _fates(chance: random.Random, kills: int, freezes: int) -> list[Fate]:
    """Two thirds of the killed die at a named point, each as often; the others whenever it happens."""
    points: tuple[Point, ...] = ("claimed", "accepted", "before_commit")
    fates = [Fate(points[number % 3], signal.SIGKILL) for number in range(kills * 2 // 3)]
    fates += [
        Fate("claimed", signal.SIGSTOP) if number % 2 else Fate("accepted", signal.SIGSTOP, LOST_BY_SMS)
        for number in range(freezes)
    ]
    chance.shuffle(fates)
    return fates


def _is_frozen(process: BaseProcess) -> bool:
    try:
        status = Path(f"/proc/{process.pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] == "T"


def _alive(connection: sa.Connection) -> bool:
    return connection.execute(sa.select(notes.c.id).where(LIVE).limit(1)).first() is not None


def _settings(provider: StormProvider) -> NotifySettings:
    return NotifySettings(
        twilio_account_sid=provider.account_sid,
        twilio_auth_token=provider.auth_token,
        twilio_api_base=provider.api_base,
        sms_from="+4930123456",
        whatsapp_from="+4930123456",
        timeout=0.7,
    )

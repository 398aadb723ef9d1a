"""The kill storm: calls and senders that are killed at any moment, and a provider that fails in every way
it can.

Every notification's number decides what its provider does, so the right end of each is known before it
begins.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import signal
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from aiohttp import web

from callisi_runtime.ledger import CallRow, Ledger, Note, NoteRow, Step, reference_for
from callisi_runtime.loopback.twilio import TwilioServer
from callisi_runtime.notify import Channel, NotifySettings, Pace, Sender, build_channels

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.process import BaseProcess

PACE = Pace(lease=6.0, poll=0.1, rest=1.5, looks=2, base=0.1, cap=0.4)
CONFIRM = 3.0
GRACE = 2.0
"""Seconds until a call that was never settled notifies by itself."""

KillPoint = Literal["claimed", "accepted", "before_commit"]
Mutation = Literal["none", "no_find"]


# ---- what each number means ----------------------------------------------------------------------------


def number_of(note_id: str) -> int:
    return int(note_id.split(":")[0].removeprefix("call-"))


def staff(number: int) -> str:
    return f"+491700{number:06d}"


def dies_before_settling(number: int) -> bool:
    return number % 7 == 6


def is_answered(number: int) -> bool:
    return number % 11 == 10 and not dies_before_settling(number)


def right_end(number: int) -> tuple[str, int]:
    """The state and the step in which the notification must end."""
    if is_answered(number):
        return "cancelled", 0
    return {1: ("done", 1), 3: ("done", 2), 4: ("dead", 2)}.get(number % 10, ("done", 0))


def right_sends(number: int) -> dict[str, int]:
    """How many messages each channel must have accepted."""
    if is_answered(number) or number % 10 == 4:
        return {}
    return {1: {"sms": 1, "whatsapp": 1}, 3: {"whatsapp": 1, "webhook": 1}}.get(number % 10, {"sms": 1})


class StormProvider(TwilioServer):
    """Twilio and a webhook receiver whose behaviour depends on the recipient's number."""

    def __init__(self) -> None:
        super().__init__(pace=0.05)
        self.hooks: Counter[str] = Counter()

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/hook/{number}", self._hook), *super().routes()]

    async def operation(self, request: web.Request) -> str:
        if request.path.startswith("/hook"):
            return f"webhook:{request.match_info['number']}"
        if request.method == "POST" and request.path.endswith("/Messages.json"):
            to = str((await request.post())["To"])
            return f"{'whatsapp' if to.startswith('whatsapp:') else 'sms'}:{int(to[-6:])}"
        return await super().operation(request)

    def refusal(self, status: int, message: str) -> web.Response:
        return self.error(21211, message, 400) if status == 400 else super().refusal(status, message)

    async def _hook(self, request: web.Request) -> web.Response:
        # a receiver knows a repeated request by its id, as Standard Webhooks has it: there is nothing to look up
        self.hooks[request.headers["webhook-id"]] = 1
        return web.Response(status=204)

    def plan(self, number: int) -> None:
        """Writes down how the provider behaves towards this number."""
        sms, whatsapp, webhook = f"sms:{number}", f"whatsapp:{number}", f"webhook:{number}"
        match number % 10:
            case 0:
                self.faults.add(sms, "status:503", times=2)
            case 1:
                self.will(staff(number), "sent", "undelivered", error_code=30005)
            case 3:
                self.faults.add(sms, "status:400", times=None)
                self.will(f"whatsapp:{staff(number)}", "failed", error_code=63016)
            case 4:
                self.faults.add(sms, "status:400", times=None)
                self.faults.add(whatsapp, "status:400", times=None)
                self.faults.add(webhook, "status:410", times=None)
            case 5:
                self.faults.add(sms, "accept_then_hang")
            case 6:
                self.faults.add(sms, "status:429", headers={"Retry-After": "1"})
            case 7:
                self.faults.add(sms, "accept_then_drop")
            case 8:
                self.will(staff(number), "sent")

    def sends(self, number: int) -> dict[str, int]:
        """How many messages each channel accepted for this number."""
        count = Counter(
            message.channel for message in self.messages.values() if int(message.to[-6:]) == number
        )
        if hooks := self.hooks[f"call-{number}:no_answer.2"]:
            count["webhook"] = hooks
        return dict(count)


def note_for(number: int, hook: str) -> Note:
    note_id = f"call-{number}:no_answer"
    to = staff(number)
    return Note(
        id=note_id,
        call_id=f"call-{number}",
        agent="clara",
        body={"texts": [f"Anruf {number}"], "facts": {}},
        route=(
            Step("sms", to, tries=6, confirm=CONFIRM),
            Step("whatsapp", to, tries=3, confirm=CONFIRM, options={"sandbox": True}),
            Step("webhook", f"{hook}/hook/{number}", tries=3),
        ),
        reference=reference_for(note_id),
    )


# ---- the processes -------------------------------------------------------------------------------------


class MortalLedger(Ledger):
    """A ledger whose process dies at a named point, once it gets there."""

    point: KillPoint | None = None

    async def claim(self, limit: int, *, lease: float, note_id: str | None = None) -> list[NoteRow]:
        rows = await super().claim(limit, lease=lease, note_id=note_id)
        if rows and self.point == "claimed":
            die()
        return rows

    async def taken(
        self, row: NoteRow, sid: str | None, *, poll_in: float | None, what: str = "sent"
    ) -> bool:
        if self.point == "accepted":
            die()
        return await super().taken(row, sid, poll_in=poll_in, what=what)

    async def write(self, statement: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        def last_moment(connection: Any, *inner: Any, **more: Any) -> Any:
            result = statement(connection, *inner, **more)
            if self.point == "before_commit" and statement.__name__ == "taken":
                die()
            return result

        return await super().write(last_moment, *args, **kwargs)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Blind:
    """A channel that claims it cannot look things up."""

    finds = False

    def __init__(self, channel: Channel) -> None:
        self.send, self.find, self.status = channel.send, channel.find, channel.status


def sender_process(url: str, settings: NotifySettings, point: KillPoint | None, mutation: Mutation) -> None:
    """Delivers until it is killed."""
    ledger = MortalLedger(url)
    ledger.point = point
    channels = build_channels(settings)
    if mutation == "no_find":
        channels = {name: Blind(channel) for name, channel in channels.items()}
    asyncio.run(Sender(ledger, channels, pace=PACE).run(asyncio.Event()))


def call_process(url: str, hook: str, numbers: list[int]) -> None:
    """Arms before the transfer and settles after it; the last call's process dies in the middle."""
    asyncio.run(_calls(Ledger(url), hook, numbers))


async def _calls(ledger: Ledger, hook: str, numbers: list[int]) -> None:
    await ledger.open()
    for number in sorted(numbers, key=dies_before_settling):
        call_id = f"call-{number}"
        await ledger.begin_call(CallRow(call_id, "clara", "+4930777", ledger.clock(), "room"))
        await ledger.arm(note_for(number, hook), due_in=GRACE)
        if dies_before_settling(number):
            continue
        answered = is_answered(number)
        evidence = "accepted_by_person" if answered else None
        await ledger.settle(
            call_id, outcome="answered" if answered else "no_answer", send=not answered, evidence=evidence
        )
    die()


# ---- the storm -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Storm:
    """One run: `notes` notifications, `kills` killings. `wrong`, `lost` and `duplicates` say how it ended."""

    url: str
    notes: int
    kills: int
    seed: int = 1
    mutation: Mutation = "none"
    wrong: list[str] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    duplicates: int = 0
    killed: int = 0

    async def run(self) -> None:
        async with StormProvider() as provider:
            for number in range(self.notes):
                provider.plan(number)
            await self._rage(provider)
            await self._judge(provider)

    async def _rage(self, provider: StormProvider) -> None:
        chance = random.Random(self.seed)
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.ledger.storm", "twilio.rest", "psycopg"])
        settings = _settings(provider)
        ledger = Ledger(self.url)
        await ledger.open()
        calls: list[BaseProcess] = [
            context.Process(target=call_process, args=(self.url, provider.url, list(range(k, self.notes, 4))))
            for k in range(4)
        ]
        for process in calls:
            process.start()
        points: list[KillPoint | None] = ["claimed", "accepted", "before_commit", None]

        def new_sender() -> BaseProcess:
            point = chance.choice(points) if self.killed < self.kills else None
            process = context.Process(target=sender_process, args=(self.url, settings, point, self.mutation))
            process.start()
            return process

        senders: list[BaseProcess] = [new_sender(), new_sender()]
        try:
            while not await self._over(ledger, calls):
                await asyncio.sleep(chance.uniform(0.1, 0.5))
                for index, process in enumerate(senders):
                    if self.killed < self.kills and process.is_alive() and chance.random() < 0.4:
                        process.kill()
                    if not process.is_alive() or process.exitcode is not None:
                        self.killed += 1
                        await asyncio.to_thread(process.join)
                        senders[index] = new_sender()
        finally:
            for process in [*senders, *calls]:
                process.kill()
                await asyncio.to_thread(process.join)
            await ledger.close()

    async def _over(self, ledger: Ledger, calls: Sequence[BaseProcess]) -> bool:
        if self.killed < self.kills or any(process.is_alive() for process in calls):
            return False
        rows = await ledger.notifications(limit=10_000)
        return len(rows) == self.notes and all(row.state in ("done", "dead", "cancelled") for row in rows)

    async def _judge(self, provider: StormProvider) -> None:
        ledger = Ledger(self.url)
        rows = {number_of(row.note.id): row for row in await ledger.notifications(limit=10_000)}
        open_promises = {int(row.call_id.removeprefix("call-")) for row in await ledger.obligations()}
        await ledger.close()
        for number in range(self.notes):
            row, expected = rows[number], right_sends(number)
            if (row.state, row.step) != right_end(number):
                self.wrong.append(
                    f"{number}: {row.state} at {row.step}, not {right_end(number)}: {row.error}"
                )
            if (number in open_promises) != (right_end(number)[0] == "dead"):
                self.wrong.append(
                    f"{number}: the promise is {'open' if number in open_promises else 'closed'}"
                )
            sends = provider.sends(number)
            if any(sends.get(channel, 0) < count for channel, count in expected.items()):
                self.lost.append(number)
            self.duplicates += sum(
                max(0, count - expected.get(channel, 0)) for channel, count in sends.items()
            )


def _settings(provider: StormProvider) -> NotifySettings:
    return NotifySettings(
        twilio_account_sid=provider.account_sid,
        twilio_auth_token=provider.auth_token,
        twilio_api_base=provider.api_base,
        sms_from="+4930123456",
        whatsapp_from="+4930123456",
        timeout=0.7,
    )

"""The outcome table: what happens at the staff's telephone, and what must come of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from callisi_runtime.flow.model import Outcome

from .kit.audio import Samples
from .kit.call import Ending
from .kit.staff import is_a_mailbox, lets_it_ring, picks_up, refuses, says_nothing
from .reception import spoken
from .visit import Visit, ring_for, sign

if TYPE_CHECKING:
    from .kit.incoming import IncomingCall
    from .kit.phone import Phone
    from .kit.sentence import Match
    from .kit.staff import Script
    from .reception import Ended, Reception

MAILBOX_WORDS = "Dies ist die Mailbox von Petra Weber. Bitte sprechen Sie nach dem Ton."


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table."""

    name: str
    script: Script
    outcome: Outcome
    sentence: str = "no_answer"
    """What the caller is told first."""


async def only_trying(call: IncomingCall) -> None:
    """100, which a telephone sends by itself, and then nothing."""


def mailbox_greeting() -> Samples:
    """A mailbox that talks, with the sign of mailboxes behind every word."""
    words = spoken(MAILBOX_WORDS)
    mixed: Samples = np.clip(words.astype(np.int32) // 2 + sign("mailbox")[: len(words)] // 2, -32768, 32767)
    return mixed.astype(np.int16)


def table() -> list[Row]:
    """Every way in which nobody takes the call."""
    return [
        Row("rings-out", lets_it_ring(), Outcome.RANG_OUT),
        Row("only-100", only_trying, Outcome.NEVER_RANG),
        Row("mailbox", is_a_mailbox(greeting=mailbox_greeting()), Outcome.NOT_ACCEPTED),
        Row("pocket", says_nothing(), Outcome.NOT_ACCEPTED),
        Row("wrong-key", picks_up(presses="7", voice=sign("staff")), Outcome.NOT_ACCEPTED),
        Row("key-2", picks_up(presses="2", voice=sign("staff")), Outcome.DECLINED),
        Row("hangs-up-on-the-prompt", hangs_up, Outcome.NOT_ACCEPTED),
        Row("486", refuses_unrung(486), Outcome.BUSY, "busy"),
        Row("600", refuses(600), Outcome.BUSY, "busy"),
        Row("480", refuses_unrung(480), Outcome.NOT_AVAILABLE),
        Row("408", refuses(408), Outcome.NO_REPLY),
        Row("603", refuses(603), Outcome.DECLINED),
        Row("403", refuses(403), Outcome.DECLINED),
        Row("404", refuses(404), Outcome.NO_SUCH_NUMBER),
        Row("302", refuses(302), Outcome.NOT_AVAILABLE),
        Row("484", refuses(484), Outcome.MISCONFIGURED),
        Row("488", refuses(488), Outcome.MISCONFIGURED),
        Row("500", refuses(500), Outcome.PROVIDER_DOWN),
        Row("503", refuses(503), Outcome.PROVIDER_DOWN),
        Row("401", demands("WWW-Authenticate", 401), Outcome.MISCONFIGURED),
        Row("407", demands("Proxy-Authenticate", 407), Outcome.MISCONFIGURED),
    ]


async def hangs_up(call: IncomingCall) -> None:
    """Answer, listen for a second, hang up."""
    await picks_up(presses="", thinks=1.5, voice=sign("staff"))(call)
    await call.hang_up()


def refuses_unrung(code: int) -> Script:
    """Reject without having rung, as an engaged line or a telephone that is switched off does."""

    async def script(call: IncomingCall) -> None:
        await asyncio.sleep(0.2)
        call.reject(code)

    return script


def demands(header: str, code: int) -> Script:
    """A carrier that asks for credentials which the trunk does not have."""

    async def script(call: IncomingCall) -> None:
        call.reject(
            code, headers=[(header, 'Digest realm="carrier", nonce="0123456789abcdef", algorithm=MD5')]
        )

    return script


@dataclass(slots=True)
class Told:
    """What came of one row's call."""

    row: Row
    visit: Visit
    leg: IncomingCall
    sentence: Match
    notified: Match
    ended: Ended

    @property
    def outcome_at(self) -> float:
        """When it was certain that nobody takes the call: as the telephone saw it, else as the record has it."""
        end = self.leg.ended.result()
        if end.how in (Ending.REJECTED, Ending.HUNG_UP):
            return end.at
        if self.row.name == "key-2":
            return self.visit.moment(self.ended, "event.KeyPressed")
        failed = self.ended.of("event.LegFailed") or self.ended.of("effect.Drop")
        return self.visit.moment(self.ended, str(failed[0]["kind"]))


async def place(row: Row, reception: Reception, carrier: Phone, staff: Phone) -> Told:
    """Make the row's call: ask for a person, let the staff's telephone do what it does, hear what is said."""
    visit, leg = await ring_for(reception, carrier, staff)
    acting = asyncio.ensure_future(row.script(leg))
    sentence = await visit.hears(row.sentence, timeout=25)
    notified = await visit.hears("notified")
    await visit.calling.hang_up()
    await acting
    return Told(row, visit, leg, sentence, notified, await visit.ended())

"""One caller's visit: rings, asks for a person, listens, and can be judged afterwards."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .kit.audio import RATE, Samples, tone
from .kit.call import CallFailed
from .kit.hearing import Heard, Span, loudness
from .kit.lines import CALLED_URI, assert_nothing_left
from .reception import ANSWERED_WITHIN, ASK, Ended, Reception, spoken
from .report import CASES, Case, current_test

if TYPE_CHECKING:
    from callisi_runtime.ledger.values import ObligationRow

    from .kit.call import Call
    from .kit.incoming import IncomingCall
    from .kit.outgoing import OutgoingCall
    from .kit.phone import Phone
    from .kit.sentence import Match
    from .kit.sip import Header

SIGNS = {"caller": 2900.0, "staff": 3100.0, "mailbox": 3300.0}
"""One frequency in Hz per party, where speech has no tones: what is heard of whom can be told beside any sentence."""
SIGN_LEVEL = 600.0
"""Amplitude from which a sign counts; it is sent with ten times as much."""
SIGN_SECONDS = 0.2
STRANGERS = itertools.cycle(f"+4917139200{number}" for number in range(50, 100))
"""Numbers that belong to nobody; each call has its own, by which its record is found."""
PAUSE_SECONDS = 0.6
QUIET = 60.0
"""Root mean square under which a stretch of 20 ms counts as silence."""
SILENCE_MARGIN = 0.5
FIRST_WORD = 1.0
"""Seconds within which the caller must hear the outcome."""


def sign(party: str) -> Samples:
    """The tone that this party sends without pause."""
    return tone(SIGNS[party])


def signs_of(heard: Heard) -> list[Span]:
    """Whose tone was heard, and when; a hiss within a word lasts less long."""
    found = heard.tones(SIGNS, threshold=SIGN_LEVEL, bridge=0.0)
    return [span for span in found if span.seconds >= SIGN_SECONDS]


@dataclass
class Visit:
    """A call under way at one reception.

    `calling` is the caller's telephone; times are monotonic seconds.
    """

    reception: Reception
    calling: OutgoingCall
    caller: str
    began: float
    answered_at: float = 0.0
    asked_at: float = 0.0
    notes: dict[str, float] = field(default_factory=dict)
    """What was measured, in seconds; the report's columns."""

    def __post_init__(self) -> None:
        self.case = Case(current_test(), self.notes, {"caller": self.calling})
        CASES.append(self.case)

    def staff_rings(self, leg: IncomingCall) -> None:
        """A telephone of the staff has its INVITE."""
        legs = len(self.case.calls)
        self.case.calls["staff" if legs == 1 else f"staff-{legs}"] = leg

    async def ask(self, text: str = ASK) -> None:
        """Say something; returns when it was said."""
        await self.calling.play(spoken(text))
        self.asked_at = time.monotonic()

    async def greeted(self, timeout: float = 15.0) -> None:
        """Wait until the greeting is over, whole or not; when it began is noted for the report."""
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            spans = await asyncio.to_thread(self.calling.speech_spans, bridge=PAUSE_SECONDS)
            if spans and self.calling.audio().end - spans[-1].end > PAUSE_SECONDS:
                self.notes["greeting"] = spans[0].start - self.answered_at
                return
            await asyncio.sleep(0.05)
        raise CallFailed(f"no greeting within {timeout} s; {self.calling!r}")

    async def hears(self, key: str, timeout: float = 10.0, *, since: float | None = None) -> Match:
        """A sentence of the plan, heard to its end. Raises CallFailed."""
        begin = self.answered_at if since is None else since
        return await self.calling.until_heard(self.reception.sentence(key, self.caller), timeout, since=begin)

    def heard(self, key: str) -> list[Match]:
        """Where a sentence of the plan was heard."""
        return self.calling.heard(self.reception.sentence(key, self.caller))

    async def ended(self, timeout: float = 15.0) -> Ended:
        """The call's record."""
        self.case.ended = await self.reception.ended(self.caller, since=self.began, timeout=timeout)
        return self.case.ended

    def moment(self, ended: Ended, kind: str, **data: object) -> float:
        """When something in the record happened, as monotonic time.

        The record counts from the answer, which the telephone sees a little before the call does: what is dated by
        this lies up to 0.1 s too early, and what is measured from it comes out too long.
        """
        return self.answered_at + ended.first(kind, **data) - ended.first("event.Arrived")

    def first_word(self, match: Match, outcome_at: float) -> float:
        """Seconds from an outcome to the sentence about it, noted for the report."""
        seconds = self.notes["first_word"] = match.at - outcome_at
        return seconds

    def longest_silence(self, begin: float, end: float) -> tuple[float, float]:
        """(seconds, when) of the longest stretch without any sound at the caller's ear."""
        return longest_silence(self.calling.audio().between(begin, end))

    async def message_body(self, *, count: int = 1, timeout: float = 5.0) -> str:
        """What the newest message to staff says, when there are `count`. Raises TimeoutError."""
        sent = await self.reception.loopback.twilio.log.wait_for("sms", count=count, timeout=timeout)
        body = sent[-1].body
        assert isinstance(body, dict)
        return str(body["Body"])

    async def obligation(self, ended: Ended) -> ObligationRow:
        """The promise to this caller, as the ledger has it."""
        rows = await self.reception.ledger.obligations(open_only=False)
        return next(row for row in rows if row.call_id == ended.call_id)

    async def nothing_left(self, *calls: Call) -> None:
        """Raises AssertionError when a room, a leg or a call of these telephones is still there."""
        await assert_nothing_left(self.reception.lk, within=5.0)
        still = [repr(call) for call in (self.calling, *calls) if not call.ended.done()]
        assert not still, f"still up: {still}"


async def ring(
    reception: Reception,
    carrier: Phone,
    *,
    caller: str | None = None,
    headers: list[Header] | None = None,
    sender: str | None = None,
) -> Visit:
    """Ring and be answered. `sender` replaces the whole From header; without a caller it is one never seen before."""
    began, caller = time.monotonic(), caller or next(STRANGERS)
    calling = await carrier.call(CALLED_URI, caller=caller, headers=headers, sender=sender)
    visit = Visit(reception, calling, caller, began)
    visit.answered_at = await calling.answered(ANSWERED_WITHIN)
    return visit


async def ring_for(
    reception: Reception, carrier: Phone, staff: Phone, *, caller: str | None = None
) -> tuple[Visit, IncomingCall]:
    """Ring, hear the greeting, ask for a person; returns when the first staff telephone has its INVITE.

    From then on the caller sends their sign without pause.
    """
    visit = await ring(reception, carrier, caller=caller)
    await visit.greeted()
    async with reception.dialling:
        await visit.ask()
        leg = await staff.rings(15)
    visit.staff_rings(leg)
    visit.notes["invite"] = leg.began - visit.asked_at
    visit.calling.background(sign("caller"))
    return visit, leg


def longest_silence(heard: Heard) -> tuple[float, float]:
    """(seconds, when) of the longest stretch without any sound."""
    window = RATE // 50
    sounding = np.flatnonzero(loudness(heard.samples, window) > QUIET)
    edges = np.concatenate([[-1], sounding, [len(heard.samples) // window]])
    gaps = np.diff(edges) - 1
    longest = int(np.argmax(gaps))
    return float(gaps[longest] * window / RATE), heard.start + float((edges[longest] + 1) * window / RATE)

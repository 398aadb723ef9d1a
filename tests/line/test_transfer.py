"""A transfer that a person takes, and one whose caller leaves or asks again: what both sides hear, what is left."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from callisi_runtime.flow.model import Outcome

from . import golden
from .checks import nothing_was_sent, staff_was_told, until_sign
from .kit.audio import RATE
from .kit.call import Ending
from .kit.staff import picks_up
from .reception import AGAIN
from .visit import (
    QUIET,
    SIGN_LEVEL,
    SIGNS,
    Visit,
    longest_silence,
    ring_for,
    sign,
    signs_of,
)

if TYPE_CHECKING:
    from .kit.audio import Samples
    from .kit.call import Call
    from .kit.incoming import IncomingCall
    from .kit.phone import Phone
    from .reception import Ended, Reception

pytestmark = [pytest.mark.line("espeak-ng"), pytest.mark.asyncio(loop_scope="module")]

AGENT = "name: line"
PROMPT_PAUSE, PROMPT_AND_PAUSE = 0.6, 3.8
"""Seconds without a word after a prompt (its last sample dies away before), and until the second one is under way."""
LEAK = 0.2
"""Seconds of a telephone that answers within milliseconds until the gate is closed: it cannot close before there is a
track, and a tenth of a second is less than a syllable."""
CLOCKS = 0.1
"""Seconds by which a moment of the call's record, seen from a telephone, may lie too early."""


async def test_a_person_takes_the_call_and_until_then_neither_hears_the_other(
    reception: Reception, caller_phone: Phone, staff: Phone
) -> None:
    visit, leg = await ring_for(reception, caller_phone, staff)
    leg.ring()
    leg.background(sign("staff"))
    await asyncio.sleep(0.5)
    answered = await leg.answer()
    prompt = await leg.until_heard(reception.sentence("prompt"))
    visit.notes["prompt"] = prompt.at - answered
    await visit.hears("moment", since=answered)
    await asyncio.sleep(max(0.0, prompt.at + PROMPT_AND_PAUSE - time.monotonic()))
    accepted = await pressed(leg, "1")
    to_caller, to_staff = await asyncio.gather(until_sign(visit.calling, "staff"), until_sign(leg, "caller"))
    visit.notes["bridged"] = max(to_caller.start, to_staff.start) - accepted

    assert not signs_of(visit.calling.audio().between(0, accepted))
    assert not signs_of(leg.audio().between(0, accepted))
    staff_heard_only(leg, reception.sentence("prompt"), until=accepted)
    assert visit.notes["prompt"] < 1.0
    assert visit.notes["bridged"] < 0.6
    await the_talk_is_theirs(visit, leg)
    await leg.hang_up()
    assert (await visit.calling.over(2.0)).how is Ending.REMOTE_HUNG_UP
    ended = await visit.ended()
    assert ended.outcome == Outcome.ACCEPTED
    assert (await visit.obligation(ended)).evidence == "accepted_by_person"
    await nothing_was_sent(visit, ended)
    await visit.nothing_left(leg)
    golden.hold("accepted", ended.timeline)


async def test_a_mailbox_that_picks_up_before_it_rings_gets_no_word_through(
    reception: Reception, caller_phone: Phone, staff: Phone
) -> None:
    visit, leg = await ring_for(reception, caller_phone, staff)
    leg.background(sign("mailbox"))
    visit.calling.background(sign("caller"))
    picked_up = await leg.answer()
    await leg.until_heard(reception.sentence("prompt"), 15)
    loud = {"mailbox": SIGNS["mailbox"]}
    leaked = visit.calling.audio().between(picked_up).tones(loud, threshold=SIGN_LEVEL)
    visit.notes["leaked"] = sum(span.seconds for span in leaked)
    assert visit.notes["leaked"] <= LEAK
    assert all(span.end < picked_up + 1.0 for span in leaked)
    assert not signs_of(leg.audio())
    await leg.hang_up()
    await visit.hears("notified")
    await visit.calling.hang_up()
    ended = await visit.ended()
    assert ended.outcome == Outcome.NOT_ACCEPTED
    await visit.nothing_left(leg)


async def pressed(leg: Call, key: str) -> float:
    """Press a key; returns when it began to sound."""
    at = time.monotonic()
    await leg.press(key)
    return at


def staff_heard_only(leg: IncomingCall, reference: Samples, *, until: float) -> None:
    """Before and between two prompts there is silence: no word of Clara's, no ringing, no caller."""
    heard = leg.audio().between(0, until)
    first = min(match.at for match in heard.find(reference))
    end = first + len(reference) / RATE
    assert until > end + PROMPT_PAUSE, "the key came too early to judge the pause"
    assert not heard.between(0, first - 0.05).speech_spans(threshold=QUIET), "something sounds before it"
    pause = heard.between(end + 0.15, end + PROMPT_PAUSE - 0.1)
    assert not pause.speech_spans(threshold=QUIET), "something sounds between two prompts"


async def the_talk_is_theirs(visit: Visit, leg: IncomingCall) -> None:
    """Two seconds of talk: both signs without a hole, and not a word of Clara's."""
    begin = time.monotonic() + 0.5
    await asyncio.sleep(2.5)
    for call, party in ((visit.calling, "staff"), (leg, "caller")):
        heard = call.audio().between(begin, begin + 1.9)
        (span,) = [one for one in heard.tones({party: SIGNS[party]}, threshold=SIGN_LEVEL) if one.seconds > 1]
        assert span.seconds > 1.7
        others = heard.tones(
            {name: hertz for name, hertz in SIGNS.items() if name != party}, threshold=SIGN_LEVEL
        )
        assert not others
        assert longest_silence(heard)[0] < 0.1


class TestWhenTheCallerLeaves:
    async def test_while_it_rings_the_telephone_stops_at_once(
        self, reception: Reception, caller_phone: Phone, staff: Phone
    ) -> None:
        visit, leg = await ring_for(reception, caller_phone, staff)
        leg.ring()
        await asyncio.sleep(1.0)
        ended = await self.leaves(visit, leg, Ending.CANCELLED)
        golden.hold("caller-leaves-while-it-rings", ended.timeline)

    async def test_while_the_prompt_is_heard_the_line_ends_at_once(
        self, reception: Reception, caller_phone: Phone, staff: Phone
    ) -> None:
        visit, leg = await ring_for(reception, caller_phone, staff)
        leg.ring()
        await leg.answer()
        await leg.until_heard(reception.sentence("prompt"))
        ended = await self.leaves(visit, leg, Ending.REMOTE_HUNG_UP)
        golden.hold("caller-leaves-during-the-prompt", ended.timeline)

    async def leaves(self, visit: Visit, leg: IncomingCall, how: Ending) -> Ended:
        left = time.monotonic()
        await visit.calling.hang_up()
        stopped = await leg.over(2.0)
        ended = await visit.ended()
        known = visit.moment(ended, "event.CallerLeft")
        visit.notes["stopped"] = stopped.at - known
        assert stopped.how is how
        assert stopped.at - known <= 0.1 + CLOCKS
        assert stopped.at - left <= 0.3
        await staff_was_told(visit, ended, Outcome.CALLER_LEFT)
        await visit.nothing_left(leg)
        return ended

    async def test_in_the_middle_of_the_talk_the_other_line_ends_at_once(
        self, reception: Reception, caller_phone: Phone, staff: Phone
    ) -> None:
        visit, leg = await ring_for(reception, caller_phone, staff)
        await picks_up(voice=sign("staff"))(leg)
        await until_sign(visit.calling, "staff", 10)
        left = time.monotonic()
        await visit.calling.hang_up()
        assert (await leg.over(2.0)).at - left <= 0.3
        ended = await visit.ended()
        assert ended.outcome == Outcome.ACCEPTED
        await nothing_was_sent(visit, ended)
        await visit.nothing_left(leg)


async def test_asked_twice_one_telephone_rings_once(
    reception: Reception, caller_phone: Phone, staff: Phone
) -> None:
    visit, leg = await ring_for(reception, caller_phone, staff)
    leg.ring()
    visit.calling.background(None)
    await visit.ask(AGAIN)
    await visit.hears("already_ringing")
    await visit.hears("notified")
    await visit.calling.hang_up()
    ended = await visit.ended()
    assert len(ended.of("event.PersonWanted")) == 2
    assert len(ended.of("effect.Dial")) == len(staff.calls) == 1
    await staff_was_told(visit, ended, Outcome.RANG_OUT)
    await visit.nothing_left(leg)

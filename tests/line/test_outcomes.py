"""Every outcome of a dial that nobody takes: what both sides hear, what staff reads, what the ledger keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from livekit import api

from callisi_runtime.flow.model import Outcome

from . import golden
from .checks import staff_was_told
from .kit.net import COLLEAGUE, NOBODY
from .outcomes import MAILBOX_WORDS, Row, Told, place, table
from .reception import spoken
from .visit import FIRST_WORD, SILENCE_MARGIN, ring, signs_of

if TYPE_CHECKING:
    from .kit.phone import Phone
    from .reception import Reception

pytestmark = [pytest.mark.line("espeak-ng"), pytest.mark.asyncio(loop_scope="module")]

AGENT = "name: line"


@pytest.mark.parametrize("row", table(), ids=lambda row: row.name)
async def test_when_nobody_takes_the_call(
    reception: Reception, caller_phone: Phone, staff: Phone, row: Row
) -> None:
    told = await place(row, reception, caller_phone, staff)
    assert told.ended.outcome == row.outcome, told.ended.story()
    assert len(staff.calls) == 1
    the_caller_heard_it_at_once(told)
    nobody_heard_the_other(told)
    await staff_was_told(told.visit, told.ended, row.outcome)
    await told.visit.nothing_left(told.leg)
    golden.hold(row.name, told.ended.timeline)


def the_caller_heard_it_at_once(told: Told) -> None:
    """The outcome within a second, the message after it, and no silence longer than the plan's bound."""
    visit = told.visit
    assert visit.first_word(told.sentence, told.outcome_at) <= FIRST_WORD
    assert told.notified.at > told.sentence.at
    silence, when = visit.longest_silence(visit.asked_at, told.notified.at)
    bound = visit.reception.spec.limits.silence + SILENCE_MARGIN
    assert silence <= bound, f"from {when - visit.answered_at:.2f} s after the answer"


def nobody_heard_the_other(told: Told) -> None:
    """Neither staff nor a mailbox reached the caller, neither the caller nor Clara reached them."""
    visit, leg = told.visit, told.leg
    assert not signs_of(visit.calling.audio())
    assert not visit.calling.heard(spoken(MAILBOX_WORDS))
    assert not visit.heard("prompt")
    if leg.recording.packets:
        assert not signs_of(leg.audio())
        for key in ("connecting", "still_ringing", "no_answer"):
            assert not leg.heard(visit.reception.sentence(key))


class TestWhenNothingAnswersAtAll:
    """The dead come last: a SIP bridge calls them again for half a minute."""

    @pytest.mark.parametrize(
        ("address", "outcome"),
        [(f"{COLLEAGUE}:5060", Outcome.NEVER_RANG), (f"{NOBODY}:5060", Outcome.NEVER_RANG)],
        ids=["closed-port", "no-such-machine"],
    )
    async def test_the_caller_hears_it(
        self, reception: Reception, caller_phone: Phone, address: str, outcome: Outcome
    ) -> None:
        await reception.change_trunk(address=address)
        await self.falls_back(reception, caller_phone, outcome)

    async def test_a_trunk_that_is_gone_is_our_own_fault_and_the_caller_is_served(
        self, reception: Reception, caller_phone: Phone
    ) -> None:
        await reception.lk.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=reception.lines.outbound))
        await self.falls_back(reception, caller_phone, Outcome.MISCONFIGURED)
        await reception.worker.until_line("the transfer is set up wrongly", 1.0)

    async def falls_back(self, reception: Reception, carrier: Phone, outcome: Outcome) -> None:
        visit = await ring(reception, carrier)
        await visit.greeted()
        await visit.ask()
        sentence = await visit.hears("no_answer", timeout=20)
        notified = await visit.hears("notified")
        await visit.calling.hang_up()
        ended = await visit.ended()
        assert ended.outcome == outcome
        assert visit.first_word(sentence, visit.moment(ended, "event.LegFailed")) <= FIRST_WORD
        silence, _ = visit.longest_silence(visit.asked_at, notified.at)
        assert silence <= reception.spec.limits.silence + SILENCE_MARGIN
        await staff_was_told(visit, ended, outcome)
        await visit.nothing_left()

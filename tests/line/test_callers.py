"""Who calls, as carriers write it; and several callers at once. Whoever answers has the call: `accept: answer`."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from callisi_runtime.flow.model import Outcome

from .checks import body_of, note_of
from .kit.audio import tone
from .kit.hearing import Heard
from .kit.net import CARRIER
from .visit import SIGN_LEVEL, SIGN_SECONDS, Visit, ring, ring_for

if TYPE_CHECKING:
    from .kit.incoming import IncomingCall
    from .kit.phone import Phone
    from .kit.sip import Header
    from .reception import Reception

pytestmark = [pytest.mark.line("espeak-ng"), pytest.mark.asyncio(loop_scope="module")]

AGENT = """
name: callers
transfer: {accept: answer}
"""
HIDDEN = "anonymous"
ASSERTED = ("P-Asserted-Identity", "<sip:+491713920033@carrier.example>")


@pytest.mark.parametrize(
    ("sender", "headers", "number"),
    [
        ("<sip:anonymous@anonymous.invalid>", [("Privacy", "id"), ASSERTED], None),
        ("<sip:anonymous@anonymous.invalid>", [ASSERTED], "0171 3920033"),
        (f"<sip:Restricted@{CARRIER}>", [], None),
        (f"<sip:00491713920033@{CARRIER}>", [], "0171 3920033"),
        ("<tel:+491713920033>", [], "0171 3920033"),
    ],
    ids=["withheld", "asserted", "restricted", "0049", "tel"],
)
async def test_staff_reads_the_number_as_far_as_it_may_be_known(
    reception: Reception,
    caller_phone: Phone,
    staff: Phone,
    sender: str,
    headers: list[Header],
    number: str | None,
) -> None:
    visit = await ring(reception, caller_phone, caller=number or HIDDEN, headers=headers, sender=sender)
    await visit.greeted()
    await visit.ask()
    leg = await staff.rings(5)
    visit.staff_rings(leg)
    leg.reject(486)
    await visit.hears("notified")
    await visit.calling.hang_up()
    ended = await visit.ended()
    row = await note_of(visit, ended)
    body = body_of(visit, row)
    assert (f"Bitte Rückruf an {number}" if number else "Anrufer ohne Nummer") in body
    assert "3920033" not in body or number
    await visit.nothing_left(leg)


async def test_a_second_call_of_the_same_caller_leaves_the_first_alone(
    reception: Reception, caller_phone: Phone, staff: Phone
) -> None:
    visit, leg = await ring_for(reception, caller_phone, staff)
    leg.ring()
    second = await ring(reception, caller_phone)
    await second.greeted()
    assert visit.calling.up
    assert not leg.ended.done()
    await second.calling.hang_up()
    leg.reject(480)
    await visit.hears("notified")
    await visit.calling.hang_up()
    first = await reception.worker.until_line('"outcome": "not_available"', 10, since=visit.began)
    assert first
    await visit.nothing_left(leg)


async def test_five_callers_at_once_talk_each_with_their_own_person(
    reception: Reception, caller_phone: Phone, staff: Phone
) -> None:
    pairs = await asyncio.gather(*(talk(reception, caller_phone, staff, number) for number in range(5)))
    await asyncio.sleep(3)
    end = time.monotonic()
    for number, (visit, leg) in enumerate(pairs):
        assert signs_in(visit.calling.audio().between(end - 2, end)) == {f"staff {number}"}
        assert signs_in(leg.audio().between(end - 2, end)) == {f"caller {number}"}
    await asyncio.gather(*(visit.calling.hang_up() for visit, _ in pairs))
    for visit, leg in pairs:
        await leg.over(2)
        assert (await visit.ended()).outcome == Outcome.ACCEPTED
        assert not signs_in(visit.calling.audio()) - {f"staff {visit.caller[-1]}"}
    await pairs[0][0].nothing_left(*(leg for _, leg in pairs))


MANY = {
    f"{party} {number}": 2000.0 + 250 * number + 125 * (party == "staff")
    for number in range(5)
    for party in ("caller", "staff")
}
"""A frequency for each of ten people."""


async def talk(reception: Reception, carrier: Phone, staff: Phone, number: int) -> tuple[Visit, IncomingCall]:
    """A caller whose person answers at once."""
    visit, leg = await ring_for(reception, carrier, staff, caller=f"+4917139200{40 + number}")
    visit.calling.background(tone(MANY[f"caller {number}"]))
    leg.background(tone(MANY[f"staff {number}"]))
    await leg.answer()
    return visit, leg


def signs_in(heard: Heard) -> set[str]:
    """Who of the ten is heard."""
    spans = heard.tones(MANY, threshold=SIGN_LEVEL, bridge=0.0)
    return {span.name for span in spans if span.seconds >= 2 * SIGN_SECONDS}

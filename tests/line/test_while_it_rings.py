"""`while_ringing: ask`, `after: return`, `max_minutes`: no second is lost while it rings, and no talk is endless."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from callisi_runtime.flow.model import Outcome
from callisi_runtime.plan.facts import Message

from .checks import body_of, note_of, nothing_was_sent, staff_was_told, until_sign
from .kit.call import Ending
from .reception import NO_THANKS, SUBJECT, spoken
from .rescue import connected, until
from .visit import SILENCE_MARGIN, ring, sign

if TYPE_CHECKING:
    from .kit.audio import Samples
    from .kit.incoming import IncomingCall
    from .kit.phone import Phone
    from .reception import Reception
    from .visit import Visit

pytestmark = [pytest.mark.line("espeak-ng"), pytest.mark.asyncio(loop_scope="module")]

AGENT = """
name: asks
transfer:
  while_ringing: ask
  after: return
  ring_timeout: 9
  accept_timeout: 12
  max_minutes: 2
  say:
    ask: Worum geht es denn?
    prompt: >-
      Anruf für {{ business.name }}.{% if message.subject %} {{ message.subject }}.{% endif %} Annehmen mit der 1.
    back: Das Gespräch ist beendet. Kann ich noch etwas für Sie tun?
    time_warning: Bitte beachten Sie, das Gespräch endet in einer Minute.
"""
MINUTE = 60.0


async def told_while_it_rings(
    reception: Reception, caller_phone: Phone, staff: Phone
) -> tuple[Visit, IncomingCall]:
    """A caller who was asked what it is about while the telephone rings, and has said it."""
    visit = await ring(reception, caller_phone)
    await visit.greeted()
    await visit.ask()
    leg = await staff.rings(15)
    visit.staff_rings(leg)
    leg.ring()
    await visit.hears("ask")
    await visit.ask(SUBJECT)
    await until(visit, "effect.Keep", part="subject")
    return visit, leg


def prompt_with_subject(reception: Reception, visit: Visit) -> Samples:
    """What the person hears who picks up now."""
    facts = replace(reception.facts(visit.caller), message=Message(subject=SUBJECT))
    return spoken(reception.plan.sentence("prompt", facts))


async def test_the_person_hears_in_the_prompt_what_it_is_about_and_the_agent_comes_back_after_the_talk(
    reception: Reception, caller_phone: Phone, staff: Phone
) -> None:
    visit, leg = await told_while_it_rings(reception, caller_phone, staff)
    await leg.answer()
    leg.background(sign("staff"))
    await leg.until_heard(prompt_with_subject(reception, visit))
    await leg.press("1")
    await until_sign(visit.calling, "staff")
    await leg.hang_up()
    back = await visit.hears("back")
    bound = reception.spec.limits.silence + SILENCE_MARGIN
    assert visit.longest_silence(visit.asked_at, back.at)[0] <= bound
    await asyncio.sleep(max(0.0, back.at + 4 - time.monotonic()))
    await visit.ask(NO_THANKS)
    await visit.hears("goodbye", since=back.at)
    assert (await visit.calling.over(5)).how is Ending.REMOTE_HUNG_UP
    ended = await visit.ended()
    assert ended.outcome == Outcome.ACCEPTED
    await nothing_was_sent(visit, ended)
    await visit.nothing_left(leg)


@pytest.mark.timeout(240)
async def test_a_talk_that_is_too_long_ends_after_a_warning_and_meanwhile_another_caller_is_asked_and_noted(
    reception: Reception, caller_phone: Phone, staff: Phone
) -> None:
    long, leg = await connected(reception, caller_phone, staff)
    bridged = time.monotonic()
    visit, other = await told_while_it_rings(reception, caller_phone, staff)
    notified = await visit.hears("notified", 20)
    bound = reception.spec.limits.silence + SILENCE_MARGIN
    assert visit.longest_silence(visit.asked_at, notified.at)[0] <= bound
    await visit.calling.hang_up()
    ended = await visit.ended()
    await staff_was_told(visit, ended, Outcome.RANG_OUT)
    assert SUBJECT in body_of(visit, await note_of(visit, ended))
    assert other.ended.done()

    for call in (long.calling, leg):
        warning = await call.until_heard(reception.sentence("time_warning"), MINUTE + 15, since=bridged)
        assert MINUTE - 5 < warning.at - bridged < MINUTE + 5
    end = await long.calling.over(MINUTE + 10)
    assert end.how is Ending.REMOTE_HUNG_UP
    assert 2 * MINUTE - 5 < end.at - bridged < 2 * MINUTE + 5
    assert (await leg.over(2)).how is Ending.REMOTE_HUNG_UP
    assert (await long.ended()).outcome == Outcome.ACCEPTED
    await long.nothing_left(leg)

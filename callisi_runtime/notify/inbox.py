"""Where no public address is known, the staff's answers are fetched, while any are expected."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from callisi_runtime.ledger.facade import Ledger, LedgerUnavailable
from callisi_runtime.notify.base import Reject, Retry
from callisi_runtime.notify.channels import twilio_messages
from callisi_runtime.notify.staff import take_inbound, take_kept
from callisi_runtime.notify.whatsapp import address
from callisi_runtime.spec.fallback import SANDBOX_NUMBER

if TYPE_CHECKING:
    from callisi_runtime.notify.settings import NotifySettings
    from callisi_runtime.notify.twilio_messages import TwilioMessages

log = logging.getLogger("callisi.notify")

EVERY_SECONDS = 15.0
OPEN_SECONDS = 86_400.0
"""For so long after a message an answer to it is looked for."""


class Inbox:
    """Fetches what was written to the numbers from which callbacks were sent.

    Args:
        ledger: Open.
        messages: Twilio.
        settings: The senders that the agent file leaves to the environment. Where Twilio can reach us, only the sandbox
            is looked at: nothing but its page in the console could tell it where to bring answers.
    """

    def __init__(self, ledger: Ledger, messages: TwilioMessages, settings: NotifySettings) -> None:
        self._ledger = ledger
        self._messages = messages
        self._settings = settings
        self._seen: set[str] = set()

    async def run(self, stop: asyncio.Event, every: float = EVERY_SECONDS) -> None:
        """Look every few seconds, until `stop` is set."""
        while not stop.is_set():
            await self.try_to_look()
            try:
                await asyncio.wait_for(stop.wait(), every)
            except TimeoutError:
                continue

    async def try_to_look(self) -> None:
        """One look, and what was kept while the database was away. Never raises: the next look finds it again."""
        try:
            await take_kept(self._ledger)
            await self.look()
        except (LedgerUnavailable, Retry, Reject) as error:
            log.warning("the staff's answers could not be fetched: %s", error)
        except Exception:
            log.exception("the staff's answers could not be fetched")

    async def look(self) -> int:
        """One look; returns how many messages were new. Asks nobody while no answer is expected."""
        since = self._ledger.clock() - OPEN_SECONDS
        new = 0
        for sender in await self._ledger.expects_answers(since):
            number = self._number(*sender.split(" ", 1))
            if number is None:
                continue
            for message in reversed(await self._messages.received(number, since)):
                if message.sid in self._seen:
                    continue
                new += await take_inbound(self._ledger, message) != "repeated"
                self._seen.add(message.sid)
        return new

    def _number(self, channel: str, sender: str) -> str | None:
        """Where answers to this channel arrive; a name as the sender takes none."""
        own = self._settings.whatsapp_from if channel == "whatsapp" else self._settings.sms_from
        number = sender or own or ""
        if (
            self._settings.status_callback_url is not None
            and number.removeprefix("whatsapp:") != SANDBOX_NUMBER
        ):
            return None
        if channel == "whatsapp" and number:
            return address(number)
        return number if channel == "sms" and number.startswith("+") else None


def inbox_of(ledger: Ledger, settings: NotifySettings) -> Inbox | None:
    """An inbox, where Twilio is set up."""
    messages = twilio_messages(settings)
    return None if messages is None else Inbox(ledger, messages, settings)

"""A call that this telephone places."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .call import Call, Ending
from .sip import uri_in

if TYPE_CHECKING:
    from .sip import Message


class OutgoingCall(Call):
    """The caller's side of one dialog."""

    giving_up = False

    async def cancel(self) -> None:
        """Give up while it rings; if the answer crosses this, hang up at once."""
        if self.final.done():
            return
        self.giving_up = True
        self.note("sent CANCEL")
        cancel = self.dialog.request("CANCEL", transaction=self.invite)
        await self.repeat(cancel, ("CANCEL", self.invite.sequence))

    def on_response(self, message: Message) -> None:
        """A response to any request of this call."""
        code = message.status or 0
        self.settle(message.method, message.sequence)
        if message.method != "INVITE":
            self.note(f"received {message.start[8:]} for {message.method}")
        elif code < 200:
            self._on_provisional(message, code)
        elif self.final.done():
            self._acknowledge(message, code)
        else:
            self._on_final(message, code)

    def _on_provisional(self, message: Message, code: int) -> None:
        if code not in self.provisional:
            self.provisional[code] = time.monotonic()
            self.note(f"received {message.start[8:]}{' with media' if message.body else ''}")
        if code in (180, 183):
            self.ringing.set()
        self.take_media(message.body)

    def _on_final(self, message: Message, code: int) -> None:
        self.note(f"received {message.start[8:]}")
        self.dialog.remote = message["To"]
        if code < 300:
            self.dialog.target = uri_in(message["Contact"]) or self.dialog.target
            self.dialog.route = message.all("Record-Route")[::-1]
        self._acknowledge(message, code)
        self.answer_with(code, message.start.partition(f"{code} ")[2])
        if code >= 300:
            self.end(Ending.CANCELLED if self.giving_up else Ending.REJECTED, str(code))
            return
        self.take_media(message.body)
        if self.giving_up:
            self.spawn(self.hang_up())

    def _acknowledge(self, message: Message, code: int) -> None:
        rejected = self.invite if code >= 300 else None
        self.transmit(self.dialog.request("ACK", number=self.invite.sequence, transaction=rejected))

"""A call that came in: the telephone rings, and somebody (a script) decides what to do about it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from .call import Call, Ending
from .sip import PHRASES, Dialog, Header, Message, response, uri_in, user_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from .audio import Samples
    from .sip import Address


class IncomingCall(Call):
    """The callee's side of one dialog."""

    def __init__(
        self, phone: str, via: str, invite: Message, source: Address, send: Callable[[Message, Address], None]
    ) -> None:
        self.tag = secrets.token_hex(4)
        dialog = Dialog(
            call_id=invite["Call-ID"],
            local=f"{invite['To']};tag={self.tag}",
            remote=invite["From"],
            target=uri_in(invite["Contact"]) or f"sip:{source[0]}:{source[1]}",
            contact=f"<sip:{user_in(invite['To']) or 'phone'}@{via}>",
            via=via,
            destination=source,
            sequence=100,
            route=invite.all("Record-Route"),
        )
        super().__init__(phone, dialog, invite, send)
        self._last_response = invite
        self.note(f"received INVITE {invite.uri}")
        self.respond(100)

    @property
    def number(self) -> str:
        """What was dialled: the user part of the Request-URI."""
        return user_in(self.invite.uri)

    def respond(
        self, code: int, *, phrase: str = "", headers: list[Header] | None = None, body: str = ""
    ) -> Message:
        """Answer the INVITE, once."""
        own: list[Header] = [("Contact", self.dialog.contact), *(headers or [])]
        if body:
            own.append(("Content-Type", "application/sdp"))
        message = response(
            self.invite, code, phrase or PHRASES.get(code, "Because"), self.tag, headers=own, body=body
        )
        self._last_response = message
        self.transmit(message)
        if code != 100:
            self.note(f"sent {message.start[8:]}")
        return message

    def ring(self) -> None:
        """180: the telephone rings."""
        self.respond(180)

    async def early_media(self, samples: Samples) -> None:
        """183: sound before the answer."""
        await self.media.open(self.phone)
        self.background(samples)
        self.respond(183, body=self.own_media())
        self.take_media(self.invite.body)

    async def answer(self, *, headers: list[Header] | None = None) -> float:
        """200: pick up, and return when. A call that is already answered or over stays as it is."""
        await self.media.open(self.phone)
        if not self.final.done():
            message = self.respond(200, headers=headers, body=self.own_media())
            self.answer_with(200, "OK")
            self.take_media(self.invite.body)
            self.spawn(self.repeat(message, ("ACK", self.invite.sequence)))
        return self.final.result().at

    def reject(self, code: int, *, phrase: str = "", headers: list[Header] | None = None) -> None:
        """Any final response from 300 on: busy, declined, unknown, a demand for credentials ..."""
        if self.final.done():
            return
        message = self.respond(code, phrase=phrase, headers=headers)
        self.answer_with(code, phrase or PHRASES.get(code, "Because"))
        self.end(Ending.REJECTED, str(code))
        self.spawn(self.repeat(message, ("ACK", self.invite.sequence)))

    # For the telephone

    def on_repeated_invite(self, invite: Message) -> None:
        """The same INVITE again gets the same answer; a new one (hold, new address) is agreed to."""
        if invite.sequence == self.invite.sequence:
            self.transmit(self._last_response)
            return
        self.note("received re-INVITE")
        self.invite = invite
        self.respond(200, body=self.own_media())
        self.take_media(invite.body)

    def on_cancel(self, cancel: Message) -> None:
        """The caller gave up while it rang."""
        self.note("received CANCEL")
        if not self.final.done():
            self.respond(487)
            self.answer_with(487, PHRASES[487])
            self.end(Ending.CANCELLED, cancel["Reason"])

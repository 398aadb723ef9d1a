"""A scripted telephone: SIP over UDP and PCMU, on either side of a call.

async with Phone("127.0.0.2") as caller, Phone("127.0.0.3") as staff:
    calling = await caller.call("sip:+49302@127.0.0.3:5060")
    ringing = await staff.rings()
    ringing.ring()
    await ringing.answer()
    await calling.answered()
    await calling.play(tone(400, 1.0))
    await ringing.until_tone("caller")
    await calling.hang_up()
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING

from .call import Call, CallFailed, Ending
from .incoming import IncomingCall
from .outgoing import OutgoingCall
from .sip import PHRASES, Dialog, Header, Message, NotSip, address_in, response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType
    from typing import Self

    from .sip import Address

SIP_PORT = 5060


class Phone(asyncio.DatagramProtocol):
    """One address, any number of calls."""

    def __init__(self, ip: str, port: int = SIP_PORT, *, number: str = "+4930111") -> None:
        self.ip, self.port, self.number = ip, port, number
        self.calls: dict[str, Call] = {}
        """Every call so far, by Call-ID."""
        self.script: Callable[[IncomingCall], Awaitable[None]] | None = None
        """What to do with a call that comes in; without one, `rings()` hands it out."""
        self.deaf = False
        """Ignore everything that arrives, as a telephone without power does."""
        self.sends_media = True
        self._incoming: asyncio.Queue[IncomingCall] = asyncio.Queue()
        self._script_errors: list[Exception] = []
        self._transport: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(self.ip, self.port)
        )
        self.port = self._transport.get_extra_info("sockname")[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*(self._leave(call) for call in self.calls.values()))
        if self._transport is not None:
            self._transport.close()
        await asyncio.sleep(0)  # a socket closes one turn of the loop later
        if self._script_errors and error is None:
            raise self._script_errors[0]

    async def _leave(self, call: Call) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                if isinstance(call, OutgoingCall):
                    await call.cancel()
                    await asyncio.shield(call.final)
                await call.hang_up()
        if isinstance(call, IncomingCall) and not call.ended.done():
            call.reject(480)
        await call.close()

    # What it does

    async def call(
        self,
        uri: str,
        *,
        caller: str | None = None,
        headers: list[Header] | None = None,
        sender: str | None = None,
        recipient: str | None = None,
        destination: Address | None = None,
    ) -> OutgoingCall:
        """Dial `uri` and return at once.

        `caller` replaces the number shown, `sender` and `recipient` the whole From and To, `destination` the
        address that the request goes to (by default the one in the URI).
        """
        via = f"{self.ip}:{self.port}"
        number = self.number if caller is None else caller
        dialog = Dialog(
            call_id=f"{secrets.token_hex(8)}@{self.ip}",
            local=f"{sender or f'<sip:{number}@{self.ip}>'};tag={secrets.token_hex(4)}",
            remote=recipient or f"<{uri}>",
            target=uri,
            contact=f"<sip:{self.number}@{via}>",
            via=via,
            destination=destination or address_in(uri),
        )
        return await self._dial(dialog, headers or [])

    async def _dial(self, dialog: Dialog, headers: list[Header]) -> OutgoingCall:
        draft = dialog.request("INVITE")
        call = OutgoingCall(self.ip, dialog, draft, self._send)
        await call.media.open(self.ip)
        call.sends_media = self.sends_media
        call.invite = dialog.request("INVITE", extra=headers, body=call.own_media())
        self.calls[dialog.call_id] = call
        call.note(f"sent INVITE {dialog.target}")
        call.spawn(call.repeat(call.invite, ("INVITE", call.invite.sequence)))
        await asyncio.sleep(0)
        return call

    async def rings(self, timeout: float = 10.0) -> IncomingCall:
        """The next call that comes in and that no script has taken. Raises CallFailed when none does."""
        try:
            return await asyncio.wait_for(self._incoming.get(), timeout)
        except TimeoutError:
            raise CallFailed(f"the telephone at {self.ip} did not ring within {timeout} s") from None

    @property
    def last_call(self) -> Call:
        """The newest call. Raises CallFailed when there was none."""
        if not self.calls:
            raise CallFailed(f"the telephone at {self.ip} has had no call")
        return list(self.calls.values())[-1]

    @property
    def quiet(self) -> bool:
        """Neither rings nor talks."""
        return all(call.ended.done() for call in self.calls.values())

    # What arrives

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if self.deaf:
            return
        with contextlib.suppress(NotSip):
            message = Message.parse(data)
            if message.status is not None:
                self._on_response(message)
            else:
                self._on_request(message, addr)

    def _on_response(self, message: Message) -> None:
        call = self.calls.get(message["Call-ID"])
        if isinstance(call, OutgoingCall):
            call.on_response(message)
        elif call is not None:
            call.settle(message.method, message.sequence)

    def _on_request(self, message: Message, source: Address) -> None:
        call = self.calls.get(message["Call-ID"])
        if message.method == "INVITE" and call is None:
            self._on_invite(message, source)
        elif message.method == "OPTIONS" and call is None:
            self._answer(message, source, 200)
        elif call is None:
            if message.method != "ACK":
                self._answer(message, source, 481)
        else:
            self._on_request_within(call, message, source)

    def _on_invite(self, message: Message, source: Address) -> None:
        call = IncomingCall(self.ip, f"{self.ip}:{self.port}", message, source, self._send)
        call.sends_media = self.sends_media
        self.calls[message["Call-ID"]] = call
        if self.script is None:
            self._incoming.put_nowait(call)
        else:
            call.spawn(self._follow(self.script, call))

    async def _follow(self, script: Callable[[IncomingCall], Awaitable[None]], call: IncomingCall) -> None:
        try:
            await script(call)
        except Exception as error:
            call.note(f"the script failed: {error!r}")
            self._script_errors.append(error)

    def _on_request_within(self, call: Call, message: Message, source: Address) -> None:
        match message.method:
            case "ACK":
                call.settle("ACK", message.sequence)
            case "INVITE" if isinstance(call, IncomingCall):
                call.on_repeated_invite(message)
            case "CANCEL" if isinstance(call, IncomingCall):
                self._answer(message, source, 200)
                call.on_cancel(message)
            case "BYE":
                self._answer(message, source, 200)
                call.note("received BYE")
                call.end(Ending.REMOTE_HUNG_UP, message["Reason"])
            case "REFER":
                call.note(f"received REFER to {message['Refer-To']}")
                call.requests.put_nowait(message)
            case method:
                call.note(f"received {method}")
                call.requests.put_nowait(message)
                self._answer(message, source, 200)

    # What leaves

    def respond(self, call: Call, to: Message, code: int) -> None:
        """Answer a request that the telephone leaves to the script: REFER."""
        call.note(f"sent {code} for {to.method}")
        self._answer(to, call.dialog.destination, code)

    def _answer(self, to: Message, source: Address, code: int) -> None:
        call = self.calls.get(to["Call-ID"])
        tag = call.tag if isinstance(call, IncomingCall) else secrets.token_hex(4)
        self._send(response(to, code, PHRASES[code], tag), source)

    def _send(self, message: Message, destination: Address) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(message.render(), destination)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens at the other end: a call that gets no answer shows it."""

"""One call of a scripted telephone, from either side: what it does, what it sees, what it hears."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from .audio import RATE
from .hearing import TONES, Heard, Span
from .rtp import MediaPort
from .sip import describe_media, media_in

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from .audio import Samples
    from .rtp import Key, Recording
    from .sentence import Match
    from .sip import Address, Dialog, Header, Message

Result = TypeVar("Result")

LISTENING_STEP = 0.1
"""Seconds between two looks at what has been heard so far."""
RETRANSMISSIONS = (0.5, 1.0, 2.0, 4.0, 4.0, 4.0)
"""Seconds to wait before each repetition of a message that nobody answers (RFC 3261, 17.1)."""


class Ending(StrEnum):
    """How a call ended, as this telephone saw it."""

    HUNG_UP = "hung up here"
    REMOTE_HUNG_UP = "hung up there"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    VANISHED = "vanished"


@dataclass(frozen=True, slots=True)
class Final:
    """The final response to the INVITE, sent or received."""

    at: float
    code: int
    phrase: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of the call."""

    at: float
    how: Ending
    reason: str = ""
    """The Reason header of the BYE or CANCEL, or the code of the rejection."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a call's timeline."""

    at: float
    text: str


class CallFailed(AssertionError):
    """The call was not answered, or something awaited on it did not come; carries the call's timeline."""


class Call:
    """One dialog. Times are monotonic seconds."""

    def __init__(
        self, phone: str, dialog: Dialog, invite: Message, send: Callable[[Message, Address], None]
    ) -> None:
        loop = asyncio.get_running_loop()
        self.phone, self.dialog, self.invite = phone, dialog, invite
        self.began = time.monotonic()
        self.final: asyncio.Future[Final] = loop.create_future()
        self.ended: asyncio.Future[Ended] = loop.create_future()
        self.provisional: dict[int, float] = {}
        """When each provisional response came first, by code."""
        self.ringing = asyncio.Event()
        self.timeline: list[Entry] = []
        self.media = MediaPort()
        self.sends_media = True
        self.requests: asyncio.Queue[Message] = asyncio.Queue()
        """Requests within the call other than ACK, BYE, CANCEL and INVITE: REFER, INFO, NOTIFY ..."""
        self._transmit = send
        self._settled: set[tuple[str, int]] = set()
        self._settling = asyncio.Event()
        self._tasks: set[asyncio.Task[object]] = set()

    def __repr__(self) -> str:
        return "\n".join([f"call at {self.phone}:", *self.timeline_lines()])

    def note(self, text: str) -> None:
        """Add a line to the timeline."""
        self.timeline.append(Entry(time.monotonic(), text))

    def timeline_lines(self) -> list[str]:
        """The timeline in seconds since the call began, for people."""
        return [f"{entry.at - self.began:8.3f}  {entry.text}" for entry in self.timeline]

    # What it sees

    @property
    def up(self) -> bool:
        """Answered and not ended."""
        return self.final.done() and self.final.result().code < 300 and not self.ended.done()

    async def answered(self, timeout: float = 10.0) -> float:
        """When the call was answered. Raises CallFailed when it is rejected or nothing comes."""
        final = await self._awaited(self.final, timeout, "an answer")
        if final.code >= 300:
            raise CallFailed(f"rejected with {final.code} {final.phrase}; {self!r}")
        return final.at

    async def over(self, timeout: float = 10.0) -> Ended:
        """How the call ended. Raises CallFailed when it does not."""
        return await self._awaited(self.ended, timeout, "the end of the call")

    async def rings(self, timeout: float = 10.0) -> float:
        """When the first 180 or 183 came. Raises CallFailed when none does."""
        try:
            await asyncio.wait_for(self.ringing.wait(), timeout)
        except TimeoutError:
            raise CallFailed(f"no ringing within {timeout} s; {self!r}") from None
        return min(self.provisional[code] for code in (180, 183) if code in self.provisional)

    async def _awaited(self, future: asyncio.Future[Result], timeout: float, what: str) -> Result:
        try:
            return await asyncio.wait_for(asyncio.shield(future), timeout)
        except TimeoutError:
            raise CallFailed(f"{what} did not come within {timeout} s; {self!r}") from None

    # What it does

    async def hang_up(self, *, reason: str = "") -> None:
        """Send BYE, with a Reason header if given; nothing when the call is not up."""
        if self.up:
            extra: list[Header] = [("Reason", reason)] if reason else []
            self.end(Ending.HUNG_UP, reason)
            await self.request("BYE", extra)

    def vanish(self) -> None:
        """Fall silent for good, without a word: the telephone's battery is empty."""
        self.end(Ending.VANISHED)

    async def request(self, method: str, extra: list[Header] | None = None, body: str = "") -> None:
        """Send a request within the call and repeat it until it is answered."""
        self.dialog.sequence += 1
        message = self.dialog.request(method, extra=extra, body=body)
        self.note(f"sent {method}")
        await self.repeat(message, (method, message.sequence))

    def play(self, samples: Samples) -> asyncio.Future[None]:
        """Speak after what is queued; the future is done when the last packet has left."""
        return self.media.play(samples)

    def background(self, samples: Samples | None) -> None:
        """What is repeated whenever nothing is played; None for silence."""
        self.media.background(samples)

    def press(self, key: str) -> asyncio.Future[None]:
        """Press a key; the future is done when it is released."""
        self.note(f"pressed {key}")
        return self.media.press(key)

    # What it hears

    @property
    def recording(self) -> Recording:
        """Every packet and key received."""
        return self.media.recording

    def audio(self) -> Heard:
        """Everything heard so far."""
        return self.recording.heard()

    def hears(
        self, frequencies: Mapping[str, float] = TONES, *, threshold: float = 250, bridge: float = 0.25
    ) -> list[Span]:
        """The pure tones heard so far, by name; see `Heard.tones`."""
        return self.audio().tones(frequencies, threshold=threshold, bridge=bridge)

    def heard(self, reference: Samples) -> list[Match]:
        """Where a known sentence (int16, 8 kHz) was heard, best first; see `Heard.find`."""
        return self.audio().find(reference)

    def speech_spans(self, *, threshold: float = 150, bridge: float = 0.3) -> list[Span]:
        """Where anything was heard; see `Heard.speech_spans`."""
        return self.audio().speech_spans(threshold=threshold, bridge=bridge)

    async def until_tone(self, name: str, timeout: float = 10.0, *, since: float = 0.0) -> Span:
        """Wait until the tone `name` of `TONES` is heard, after `since`. Raises CallFailed."""

        def look() -> Span | None:
            found = self.audio().between(since).tones({name: TONES[name]})
            return found[0] if found else None

        return await self._listen(look, timeout, f"the tone {name!r}")

    async def until_heard(self, reference: Samples, timeout: float = 10.0, *, since: float = 0.0) -> Match:
        """Wait until a known sentence has been heard to its end, after `since`. Raises CallFailed."""

        def look() -> Match | None:
            audio = self.audio().between(since)
            latest = audio.end - len(reference) / RATE
            return next((match for match in audio.find(reference) if match.at <= latest), None)

        return await self._listen(look, timeout, "the sentence")

    async def until_key(self, timeout: float = 10.0) -> Key:
        """Wait for the next key from the other end. Raises CallFailed."""
        try:
            return await asyncio.wait_for(self.media.next_key(len(self.recording.keys)), timeout)
        except TimeoutError:
            raise CallFailed(f"no key within {timeout} s; {self!r}") from None

    async def _listen(self, look: Callable[[], Result | None], timeout: float, what: str) -> Result:
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            # In a thread: whoever computes in the event loop sends his own audio late.
            if (found := await asyncio.to_thread(look)) is not None:
                return found
            if self.ended.done() and look() is None:
                raise CallFailed(f"the call ended before {what} was heard; {self!r}")
            await asyncio.sleep(LISTENING_STEP)
        raise CallFailed(f"{what} was not heard within {timeout} s; {self!r}")

    # For the telephone that owns the call

    def transmit(self, message: Message) -> None:
        """Send once."""
        self._transmit(message, self.dialog.destination)

    async def repeat(self, message: Message, transaction: tuple[str, int]) -> bool:
        """Send until `settle(transaction)` is called; False when it never is."""
        for pause in RETRANSMISSIONS:
            self.transmit(message)
            try:
                await asyncio.wait_for(self._until_settled(transaction), pause)
            except TimeoutError:
                continue
            return True
        return False

    async def _until_settled(self, transaction: tuple[str, int]) -> None:
        while transaction not in self._settled:
            self._settling.clear()
            await self._settling.wait()

    def settle(self, method: str, sequence: int) -> None:
        """A transaction got its answer: nothing needs to be repeated."""
        self._settled.add((method, sequence))
        self._settling.set()

    def spawn(self, work: Coroutine[None, None, object]) -> None:
        """Run something for as long as the call's telephone lives."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def own_media(self) -> str:
        """The session description of this side."""
        return describe_media(self.dialog.via.partition(":")[0], self.media.port)

    def take_media(self, body: str) -> None:
        """Believe the other side's session description, and begin to send."""
        if described := media_in(body):
            self.media.remote = described
            if self.sends_media:
                self.media.start()

    def end(self, how: Ending, reason: str = "") -> None:
        """The call is over; the first word about it counts."""
        if not self.ended.done():
            self.note(f"end: {how}{', ' + reason if reason else ''}")
            self.ended.set_result(Ended(time.monotonic(), how, reason))
        self.media.close()

    def answer_with(self, code: int, phrase: str) -> None:
        """Set the final response, the first one counts."""
        if not self.final.done():
            self.final.set_result(Final(time.monotonic(), code, phrase))

    async def close(self) -> None:
        """Stop everything that still runs for this call."""
        self.media.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

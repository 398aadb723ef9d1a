"""RTP: packets, keys as telephone events (RFC 4733), and the media side of one call on an own UDP port."""

from __future__ import annotations

import asyncio
import secrets
import struct
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .audio import FRAME, RATE, ULAW_SILENCE, Samples, decode_ulaw, encode_ulaw
from .hearing import Heard

if TYPE_CHECKING:
    from .sip import Address, Media

PCMU = 0
KEYS = "0123456789*#ABCD"
KEY_PACKETS, KEY_END_PACKETS = 5, 3
"""100 ms of a key, its end said three times."""
REANCHOR = 0.12
"""Seconds between a packet's timestamp and its arrival above which the arrival is believed."""
HEADER = struct.Struct("!BBHII")
EVENT = struct.Struct("!BBH")


@dataclass(frozen=True, slots=True)
class Packet:
    """One received packet of audio."""

    at: float
    timestamp: int
    source: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Key:
    """One key pressed at the other end."""

    at: float
    key: str
    timestamp: int


@dataclass(slots=True)
class Playing:
    """µ-law that is being sent, and who waits for its end."""

    payload: bytes
    done: asyncio.Future[None]
    position: int = 0

    def next_frame(self) -> bytes:
        """20 ms, filled up with silence."""
        frame = self.payload[self.position : self.position + FRAME]
        self.position += FRAME
        return frame.ljust(FRAME, ULAW_SILENCE)

    @property
    def finished(self) -> bool:
        return self.position >= len(self.payload)


class Recording:
    """Every packet that arrived, and the sound they make."""

    def __init__(self) -> None:
        self.packets: list[Packet] = []
        self.keys: list[Key] = []
        self._laid_out: tuple[int, Heard] = (0, Heard(0.0, np.zeros(0, np.int16)))

    def heard(self) -> Heard:
        """The sound so far: each packet where its timestamp puts it, while that agrees with its arrival."""
        count = len(self.packets)
        if count != self._laid_out[0]:
            self._laid_out = (count, self._lay_out(self.packets[:count]))
        return self._laid_out[1]

    @staticmethod
    def _lay_out(packets: list[Packet]) -> Heard:
        start = packets[0].at
        places = _places(packets)
        samples = np.zeros(max(places) + 2 * FRAME, np.int16)
        end = 0
        for place, packet in zip(places, packets, strict=True):
            sound = decode_ulaw(packet.payload)[: 2 * FRAME]
            samples[place : place + len(sound)] = sound
            end = max(end, place + len(sound))
        return Heard(start, samples[:end])


def _places(packets: list[Packet]) -> list[int]:
    """The sample at which each packet begins, counted from the first arrival."""
    start, anchor, places = packets[0].at, packets[0], []
    for packet in packets:
        ahead = (packet.timestamp - anchor.timestamp + 2**31) % 2**32 - 2**31
        by_timestamp = anchor.at + ahead / RATE
        if packet.source != anchor.source or abs(by_timestamp - packet.at) > REANCHOR:
            anchor, by_timestamp = packet, packet.at
        places.append(max(0, round((by_timestamp - start) * RATE)))
    return places


class MediaPort(asyncio.DatagramProtocol):
    """Sends a packet every 20 ms (what is played, else the background, else silence), records what comes."""

    def __init__(self) -> None:
        self.recording = Recording()
        self.key_pressed = asyncio.Event()
        self.remote: Media | None = None
        self.port = 0
        self._queue: deque[Playing] = deque()
        self._keys: deque[tuple[str, asyncio.Future[None]]] = deque()
        self._background: Playing | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._sender: asyncio.Task[None] | None = None
        self._sequence, self._timestamp = secrets.randbits(15), secrets.randbits(31)
        self._source = secrets.randbits(32)

    async def open(self, ip: str) -> None:
        """Bind to a free port of `ip`; a second call changes nothing."""
        if self._transport is None:
            loop = asyncio.get_running_loop()
            self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(ip, 0))
            self.port = self._transport.get_extra_info("sockname")[1]

    def start(self) -> None:
        """Begin to send; a second call changes nothing."""
        if self._sender is None and self._transport is not None:
            self._sender = asyncio.get_running_loop().create_task(self._send_until_closed())

    def close(self) -> None:
        """Stop sending and hearing. What waits for the end of its sound or key is released."""
        if self._sender is not None:
            self._sender.cancel()
        if self._transport is not None:
            self._transport.close()
        for waiting in (*(playing.done for playing in self._queue), *(done for _, done in self._keys)):
            _release(waiting)
        self._queue.clear()
        self._keys.clear()

    # What is sent

    def play(self, samples: Samples) -> asyncio.Future[None]:
        """Send `samples` after what is queued; the future is done when the last packet has left."""
        done = asyncio.get_running_loop().create_future()
        self._queue.append(Playing(encode_ulaw(samples), done))
        return done

    def stop_playing(self) -> None:
        """Drop what is queued."""
        while self._queue:
            _release(self._queue.popleft().done)

    def background(self, samples: Samples | None) -> None:
        """Repeat `samples` whenever nothing is played; None for silence."""
        done = asyncio.get_running_loop().create_future()
        self._background = None if samples is None else Playing(encode_ulaw(samples), done)

    def press(self, key: str) -> asyncio.Future[None]:
        """Send one key of `KEYS`; the future is done when it is released. Raises ValueError for another."""
        if len(key) != 1 or key not in KEYS:
            raise ValueError(f"no telephone has the key {key!r}; it has {KEYS}")
        done = asyncio.get_running_loop().create_future()
        self._keys.append((key, done))
        return done

    async def _send_until_closed(self) -> None:
        due = time.monotonic()
        while True:
            packets, sent = self._next_packets()
            try:
                for packet in packets:
                    self._send(packet)
                    due += FRAME / RATE
                    await asyncio.sleep(max(0.0, due - time.monotonic()))
            finally:  # who waits for the end of a key must not wait for ever when the call ends with it
                if sent is not None:
                    _release(sent)

    def _next_packets(self) -> tuple[list[bytes], asyncio.Future[None] | None]:
        if self._keys:
            key, released = self._keys.popleft()
            return self._key_packets(key), released
        frame, played = self._next_frame()
        return [self._packet(PCMU, frame)], played

    def _next_frame(self) -> tuple[bytes, asyncio.Future[None] | None]:
        if self._queue:
            playing = self._queue[0]
            frame = playing.next_frame()
            if not playing.finished:
                return frame, None
            self._queue.popleft()
            return frame, playing.done
        if self._background is None:
            return ULAW_SILENCE * FRAME, None
        if self._background.finished:
            self._background.position = 0
        return self._background.next_frame(), None

    def _key_packets(self, key: str) -> list[bytes]:
        begun, packets = self._timestamp, []
        for index in range(KEY_PACKETS + KEY_END_PACKETS):
            lasted = min(index + 1, KEY_PACKETS) * FRAME
            last = 0x80 if index >= KEY_PACKETS else 0
            event = EVENT.pack(KEYS.index(key), last | 10, lasted)
            packets.append(
                self._packet(self.remote.keys if self.remote else 101, event, begun, first=index == 0)
            )
        return packets

    def _packet(
        self, kind: int, payload: bytes, timestamp: int | None = None, *, first: bool = False
    ) -> bytes:
        stamp = self._timestamp if timestamp is None else timestamp
        marker = 0x80 if first else 0
        header = HEADER.pack(0x80, kind | marker, self._sequence & 0xFFFF, stamp & 0xFFFFFFFF, self._source)
        self._sequence += 1
        self._timestamp += FRAME
        return header + payload

    def _send(self, packet: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing() and self.remote is not None:
            self._transport.sendto(packet, self.remote.address)

    # What is received

    def datagram_received(self, data: bytes, addr: Address) -> None:
        at = time.monotonic()
        if len(data) < HEADER.size:
            return
        _, kind, _, timestamp, source = HEADER.unpack_from(data)
        kind, payload = kind & 0x7F, data[HEADER.size :]
        if kind == PCMU:
            self.recording.packets.append(Packet(at, timestamp, source, payload))
        elif len(payload) >= EVENT.size and self.remote is not None and kind in (self.remote.keys, 101):
            self._take_event(at, timestamp, payload)

    def _take_event(self, at: float, timestamp: int, payload: bytes) -> None:
        event, flags, _ = EVENT.unpack_from(payload)
        keys = self.recording.keys
        if flags & 0x80 and event < len(KEYS) and not (keys and keys[-1].timestamp == timestamp):
            keys.append(Key(at, KEYS[event], timestamp))
            self.key_pressed.set()

    async def next_key(self, seen: int) -> Key:
        """The first key after the `seen` ones already known."""
        while len(self.recording.keys) <= seen:
            self.key_pressed.clear()
            await self.key_pressed.wait()
        return self.recording.keys[seen]

    def error_received(self, exc: Exception) -> None:
        """The other end has closed its port: for a telephone that is no news."""


def _release(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)

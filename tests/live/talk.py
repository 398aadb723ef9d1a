"""A caller and the live conversation in a room of a real LiveKit server; transcriber, model and voice on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import subprocess
import threading
import time
from collections import deque
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from livekit import api, rtc
from livekit.agents.utils import http_context

from callisi_runtime.call import CallRunner, LoopClock, NoBooks
from callisi_runtime.flow import events as on
from callisi_runtime.live.providers import assemble, load_vad
from callisi_runtime.live.session import Conversation
from callisi_runtime.live.voice import Voice
from callisi_runtime.loopback import Brain, EspeakVoice, Loopback
from callisi_runtime.loopback.livekit import API_KEY, API_SECRET
from callisi_runtime.phone import normalise
from callisi_runtime.plan import CallFacts
from tests.call.quiet import QuietHands
from tests.rehearse.kit import plan_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from callisi_runtime.loopback.audio import Samples

MISSING = [name for name in ("livekit-server", "espeak-ng") if shutil.which(name) is None]
RATE = 24_000
FRAME = RATE // 50
LOUD = 300
"""Above it, the mean size of a sample is sound."""
PATIENCE = 40.0
"""Seconds that anything may take on a busy machine."""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def livekit_server() -> Iterator[str]:
    """A real server without a store; its address."""
    port = free_port()
    rtc_ports = {
        "use_external_ip": False,
        "node_ip": "127.0.0.1",
        "tcp_port": free_port(),
        "udp_port": free_port(),
    }
    config = {
        "port": port,
        "bind_addresses": ["127.0.0.1"],
        "keys": {API_KEY: API_SECRET},
        "rtc": rtc_ports,
    }
    server = subprocess.Popen(
        ["livekit-server", "--config-body", json.dumps(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
                break
            time.sleep(0.05)
        yield f"ws://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


async def room_of(url: str, identity: str, name: str, *, subscribe: bool) -> rtc.Room:
    grants = api.VideoGrants(room_join=True, room=name)
    token = api.AccessToken(API_KEY, API_SECRET).with_identity(identity).with_grants(grants).to_jwt()
    room = rtc.Room()
    await room.connect(url, token, rtc.RoomOptions(auto_subscribe=subscribe))
    return room


class Recogniser:
    """Every utterance is the next line; it is handed over when `free` is set."""

    def __init__(self) -> None:
        self.lines: deque[str] = deque()
        self.free = threading.Event()
        self.free.set()

    def recognise(self, samples: Samples, rate: int) -> str:
        self.free.wait(PATIENCE)
        return self.lines.popleft() if self.lines else ""


class Caller:
    """Somebody with a telephone: speaks, and hears what the agent says."""

    def __init__(self, recogniser: Recogniser) -> None:
        self.recogniser = recogniser
        self.source = rtc.AudioSource(RATE, 1, queue_size_ms=100)
        self.loud_at = 0.0
        """When something was heard last, on the monotonic clock."""
        self._waiting: deque[Samples] = deque()
        self._spoken = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def join(self, room: rtc.Room) -> None:
        room.on("track_subscribed", lambda track, *_: self._start(self._hear(track)))
        track = rtc.LocalAudioTrack.create_audio_track("telephone", self.source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await room.local_participant.publish_track(track, options)
        self._start(self._speak())

    async def say(self, text: str) -> None:
        """Speak; returns when the last word is out."""
        self.recogniser.lines.append(text)
        samples = await asyncio.to_thread(EspeakVoice().speak, text)
        self._spoken.clear()
        self._waiting.extend(samples[at : at + FRAME] for at in range(0, len(samples), FRAME))
        await self._spoken.wait()

    async def hears(self) -> None:
        """Wait until something is heard."""
        began = time.monotonic()
        await until(lambda: self.loud_at > began)

    async def hears_nothing(self, seconds: float) -> None:
        """Wait until nothing is heard for so long, from now on."""
        began = time.monotonic()
        await until(lambda: time.monotonic() - max(began, self.loud_at) > seconds)

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.source.aclose()

    def _start(self, work: Any) -> None:
        self._tasks.append(asyncio.create_task(work))

    async def _speak(self) -> None:
        while True:
            samples = self._waiting.popleft() if self._waiting else np.zeros(FRAME, np.int16)
            if not self._waiting:
                self._spoken.set()
            await self.source.capture_frame(rtc.AudioFrame(samples.tobytes(), RATE, 1, len(samples)))

    async def _hear(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
        try:
            async for event in stream:
                if np.abs(np.frombuffer(event.frame.data, np.int16).astype(np.int32)).mean() > LOUD:
                    self.loud_at = time.monotonic()
        finally:
            await stream.aclose()


class Hands(QuietHands):
    """A line whose fixed sentences take as long as a test wants, and whose telephones never ring."""

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.dialled: list[int] = []
        self.may_end = asyncio.Event()
        """Fixed sentences last until it is set."""
        self.may_end.set()

    async def say(self, key: str, text: str) -> bool:
        self.conversation.remember(text)
        await self.may_end.wait()
        return True

    def hush(self) -> None:
        self.conversation.interrupt()

    def listen(self, on: bool) -> None:
        self.conversation.listen(on)

    async def dial(self, leg: str, target: int, ring_timeout: int, *, refer: bool) -> None:
        self.dialled.append(target)


class Runner(CallRunner):
    """A call that keeps who talked when."""

    talks: tuple[bool, ...] = ()

    def talking(self, on_: bool) -> None:
        self.talks += (on_,)
        super().talking(on_)


class Talk:
    """Everything that one conversation is made of."""

    def __init__(
        self, runner: Runner, conversation: Conversation, caller: Caller, loopback: Loopback
    ) -> None:
        self.runner = runner
        self.conversation = conversation
        self.caller = caller
        self.loopback = loopback

    @property
    def hands(self) -> Hands:
        assert isinstance(self.runner.hands, Hands)
        return self.runner.hands

    @property
    def dialled(self) -> list[int]:
        return self.hands.dialled

    def spoken(self) -> str:
        """What the voice was asked to say."""
        return " ".join(str(entry.body) for entry in self.loopback.openai.log.of("speech"))


@cache
def ears() -> Any:
    return load_vad(plan_of().spec)


async def until(fact: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not fact():
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def talk(
    url: str, monkeypatch: pytest.MonkeyPatch, brain: Brain, *, opened: bool = True, **changes: Any
) -> AsyncIterator[Talk]:
    """A caller who has been greeted, and to whom the model listens."""
    recogniser = Recogniser()
    async with contextlib.AsyncExitStack() as stack:
        loopback = await stack.enter_async_context(
            Loopback(["openai", "deepgram"], reply=brain, recogniser=recogniser)
        )
        for name, value in loopback.environ().items():
            monkeypatch.setenv(name, value)
        await stack.enter_async_context(http_context.open())
        plan = plan_of(**changes)
        name = f"room-{time.monotonic_ns()}"
        rooms = [
            await room_of(url, "agent", name, subscribe=False),
            await room_of(url, "caller", name, subscribe=True),
        ]
        for room in rooms:
            stack.push_async_callback(room.disconnect)
        caller = Caller(recogniser)
        await caller.join(rooms[1])
        stack.push_async_callback(caller.leave)
        stack.callback(recogniser.free.set)
        await until(lambda: any(one.track_publications for one in rooms[0].remote_participants.values()))
        voice = Voice()
        await voice.publish(rooms[0])
        stack.push_async_callback(voice.rest)
        voices = assemble(plan.spec, ears())
        for provider in (
            voices.stt,
            voices.llm,
            *getattr(voices.llm, "_llm_instances", ()),
            *voices.speakers,
        ):
            stack.push_async_callback(provider.aclose)
        conversation = Conversation(rooms[0], "caller", voice, voices)
        facts = CallFacts("SCL_1", normalise("+49 1522 8817386"), datetime.now(UTC))
        runner = Runner(plan, facts, Hands(conversation), NoBooks(), LoopClock())
        stack.push_async_callback(conversation.close)
        if opened:
            await conversation.open(runner)
        runner.feed(on.Arrived(allowed=(0,)))
        await until(lambda: runner.state.listening)
        yield Talk(runner, conversation, caller, loopback)

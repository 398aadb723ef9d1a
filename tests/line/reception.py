"""A reception that callers can ring: a worker with an agent of its own, its providers, its ledger and its line."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livekit import api

from callisi_runtime.ledger import Ledger
from callisi_runtime.loopback import KnownPhrases, Loopback
from callisi_runtime.loopback.voice import RATE as VOICE_RATE
from callisi_runtime.loopback.voice import EspeakVoice
from callisi_runtime.phone import masked, normalise
from callisi_runtime.plan import CallFacts, CallPlan, make_plan
from callisi_runtime.settings import Settings
from callisi_runtime.source import load
from callisi_runtime.spec import AgentSpec

from .kit.audio import RATE, Samples, resample
from .kit.box import Box, api_client
from .kit.call import Entry
from .kit.lines import Lines, provision
from .kit.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

    from callisi_runtime.loopback.twilio_messages import Message

ROOT = Path(__file__).parents[2]
PLANTED = Path(__file__).parent / "kit" / "planted"
"""Lets a test make the process of a call raise; see `rescue.KILLS`."""
BASE = Path(__file__).parent / "agents" / "line.yaml"
CALLISI_RUN = Path(sys.executable).with_name("callisi-run")

ASK = "Einen Mitarbeiter bitte"
AGAIN = "Bitte verbinden Sie mich endlich"
NO_THANKS = "Nein danke, auf Wiederhören"
SUBJECT = "Es geht um die Reparatur der Heizung"
PHRASES = (ASK, AGAIN, NO_THANKS, SUBJECT)
"""Everything that callers say in these tests; what they say, the recogniser knows by its sound."""
CALLER = "+491713920022"
ANSWERED_WITHIN = 25.0
"""Seconds: a machine that does other things besides may take long to start a call's process."""
VOICE = EspeakVoice()


def spoken(text: str) -> Samples:
    """A sentence as a telephone carries it: int16 at 8 kHz."""
    return resample(VOICE.speak(text), VOICE_RATE, RATE)


@dataclass(frozen=True, slots=True)
class Ended:
    """What the worker's log says about a call that is over."""

    call_id: str
    outcome: str
    caller: str
    timeline: tuple[Mapping[str, Any], ...]
    """`{"at": seconds since the answer, "kind": "event.LegFailed", "data": {...}}`"""

    def of(self, kind: str) -> list[Mapping[str, Any]]:
        """The moments of one kind."""
        return [entry for entry in self.timeline if entry["kind"] == kind]

    def first(self, kind: str, **data: object) -> float:
        """When something happened first, in seconds since the answer. Raises AssertionError when it never did."""
        for entry in self.of(kind):
            if data.items() <= entry["data"].items():
                return float(entry["at"])
        raise AssertionError(f"no {kind} with {data} in the timeline:\n{self.story()}")

    def story(self) -> str:
        """The timeline, for people."""
        return "\n".join(
            f"{entry['at']:8.3f}  {entry['kind']} {entry['data'] or ''}" for entry in self.timeline
        )


@dataclass
class Reception:
    """`async with Reception(box, folder, agent) as reception:` and the line can be rung.

    Args:
        box: The servers of the line.
        folder: Where logs, database and agent file go.
        agent: YAML that is laid over `agents/line.yaml`; its `name` is the worker's.
        extra: Environment variables in addition.
        idle: Call processes that wait ready.
    """

    box: Box
    folder: Path
    agent: str = "name: line"
    extra: Mapping[str, str] = field(default_factory=dict)
    idle: int = 1

    def __post_init__(self) -> None:
        self.loopback = Loopback(voice=VOICE, recogniser=KnownPhrases(PHRASES))
        self.lk: api.LiveKitAPI = None  # type: ignore[assignment]  # made in __aenter__, on the running loop
        self.lines = Lines("", "", "")
        self.dialling = asyncio.Lock()
        """Held from a wish until the telephone rings, where several callers ask: whose call it is, is then known."""
        self.environment: Mapping[str, str] = {}
        """What the worker sees; a command beside it needs the same."""
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self.loopback)
            file, environment = self._write_agent(), self._environment()
            self.environment = environment
            self.spec = load(file, AgentSpec, env=environment).value
            self.plan: CallPlan = make_plan(self.spec, Settings.from_environ(environment))
            self.ledger = Ledger(environment["CALLISI_DATABASE"])
            stack.push_async_callback(self.ledger.close)
            self.lk = api_client()
            stack.push_async_callback(self.lk.aclose)
            self.lines = await provision(self.lk, agent=self.spec.name, ringing_timeout=ANSWERED_WITHIN)
            command = [str(CALLISI_RUN), str(file), "--health-port", "0"]
            worker = Worker(
                command,
                env=environment,
                folder=self.folder,
                name=f"worker-{self.spec.name}",
                ready="registered worker",
                ready_within=90.0,
            )
            self.worker = await stack.enter_async_context(worker)
            await self._warm()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def _write_agent(self) -> Path:
        file = self.folder / f"agent-{self._tag()}.yaml"
        file.write_text(f"extends: {BASE}\n{self.agent}\n")
        return file

    def _tag(self) -> str:
        """The same for the same agent: its files do not mix with another's."""
        return f"{zlib.crc32(self.agent.encode()):08x}"

    def _environment(self) -> dict[str, str]:
        return {
            **self.box.environment,
            **self.loopback.environ(),
            "TWILIO_PHONE_NUMBER": "+493023125100",
            "CALLISI_DATABASE": f"sqlite:///{self.folder / f'ledger-{self._tag()}.db'}",
            "CALLISI_CACHE": str(self.folder / "cache"),
            "PYTHONPATH": os.pathsep.join([str(PLANTED), str(ROOT), *filter(None, sys.path)]),
            **self.extra,
        }

    async def _warm(self) -> None:
        """Synthesise what tests listen for in a thread, once, before the first call."""
        facts = self.facts(CALLER)
        keys = (
            "greeting",
            "connecting",
            "no_answer",
            "busy",
            "notified",
            "failed",
            "prompt",
            "still_ringing",
        )
        for text in (*PHRASES, *(self.plan.sentence(key, facts) for key in keys if self._has(key))):
            await asyncio.to_thread(spoken, text)

    def _has(self, key: str) -> bool:
        with contextlib.suppress(KeyError):
            return bool(self.plan.sentence(key, self.facts(CALLER)))
        return False

    # What tests ask

    def facts(self, caller: str) -> CallFacts:
        """What the plan's sentences are rendered with for this caller."""
        return CallFacts(id="test", caller=normalise(caller))

    def sentence(self, key: str, caller: str = CALLER) -> Samples:
        """A sentence of the plan, as a telephone carries it."""
        return spoken(self.plan.sentence(key, self.facts(caller)))

    @property
    def messages(self) -> list[Message]:
        """Every message that Twilio was given, oldest first."""
        return list(self.loopback.twilio.messages.values())

    async def ended(self, caller: str = CALLER, *, since: float, timeout: float = 15.0) -> Ended:
        """The log's word about the caller's call. Raises WorkerFailed when it is not over in time."""
        shown = masked(normalise(caller).e164) if normalise(caller).e164 else "hidden"
        pattern = rf'"call ended".*"caller": "{shown.replace("+", "[+]")}"'
        return parse_ended(await self.worker.until_line(pattern, timeout, since=since))

    async def change_trunk(self, *, address: str) -> None:
        """Lead dialled calls elsewhere."""
        await self.lk.sip.update_outbound_trunk_fields(self.lines.outbound, address=address)


def parse_ended(line: Entry) -> Ended:
    """The call's record in a line of the worker's log."""
    call = json.loads(line.text)["call"]
    return Ended(call["call"], call["outcome"], call["caller"], tuple(call["timeline"]))


__all__ = ["AGAIN", "ASK", "CALLER", "NO_THANKS", "SUBJECT", "Ended", "Reception", "spoken"]

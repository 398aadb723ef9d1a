"""The worker: checks everything first, registers with LiveKit, takes calls, drains, and sends what is owed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
import os
import pickle
import signal
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
from livekit import api
from livekit.agents import AgentServer, JobExecutorType, utils

from callisi_runtime.errors import CallisiError, ExitCode, Problem
from callisi_runtime.ledger import ledger_at
from callisi_runtime.ledger.retention import forget_daily
from callisi_runtime.live import warm
from callisi_runtime.live.admission import Admission, hear_ends
from callisi_runtime.live.entry import JobSetup, entrypoint, prepare
from callisi_runtime.live.logs import configure_logging
from callisi_runtime.live.providers import assemble, import_plugins
from callisi_runtime.live.speech import Speaker, SpeechCache, SpeechError
from callisi_runtime.live.sweep import Sweep
from callisi_runtime.live.watch_line import keep_watchdog, pid_path, socket_path, takes_calls
from callisi_runtime.notify import Sender, build_channels
from callisi_runtime.notify.inbox import Inbox, inbox_of
from callisi_runtime.notify.needs import missing_settings
from callisi_runtime.notify.settings import notify_settings
from callisi_runtime.phone import is_example
from callisi_runtime.plan import make_plan
from callisi_runtime.settings import Settings
from callisi_runtime.spec import AgentSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

log = logging.getLogger("callisi.worker")

TELL_SECONDS = 1.0
WARM_SECONDS = 60.0
"""How long a call process may take until it is warm: on a busy machine, a slow one is better than none."""
GO_SECONDS = 75.0
"""How long a call process may take to hand its call over: LiveKit's 15 s until it is told, and what it waits itself."""
LATER_SECONDS = 15
"""How long LiveKit's agents let a job go on that they want to end, before it is told."""
ORPHAN_SECONDS = 2.0
"""Between two looks whether the supervisor lives."""
SHARED = (
    "callisi_runtime.live.entry",
    "callisi_runtime.live.session",
    "callisi_runtime.live.warm",
    "callisi_runtime.notify.twilio_client",
    "phonenumbers",
    "sqlalchemy.dialects.sqlite",
    "twilio.rest",
    # what providers import when they are asked first, which is while the caller hears the greeting
    "anyio._backends._asyncio",
    "livekit.agents.llm.async_toolset",
    "openai.lib.streaming.chat",
    "openai.resources.audio.speech",
    "openai.resources.chat.completions.completions",
    "openai.resources.models",
)
"""Imported once before any call process is forked: each would need most of a second and 20 MB to do it itself."""
NO_MONITOR = ("LIVEKIT_AGENTS_LOOP_BLOCK_WARN_MS", "0")
"""LiveKit's agents look for a blocked loop a hundred times a second in every process, also while it waits for a call.
Our own watchdog sees the blocks that a caller would notice, and ends them. A choice in the environment stands."""
RECONNECT_TRIES = 1_000_000
"""A LiveKit server that is gone is waited for: calls may be under way. At the start it must answer."""


def main() -> int:
    """The worker process: the agent as JSON on standard input, its state as JSON lines on standard output."""
    configure_logging()
    spec = AgentSpec.model_validate_json(sys.stdin.buffer.readline())
    try:
        return asyncio.run(work(spec, Settings.from_environ(os.environ)))
    except CallisiError as error:
        for problem in error.problems:
            sys.stderr.write(f"error: {problem}\n")
        return error.exit_code


def report(**state: object) -> None:
    """Tell the supervisor how it is."""
    with contextlib.suppress(OSError):
        os.write(1, json.dumps(state).encode() + b"\n")


async def work(spec: AgentSpec, settings: Settings) -> int:
    """Check everything, register, take calls, drain; returns the exit code.

    Raises:
        CallisiError: one clear sentence for everything that would make a call fail, before anything registers.
    """
    async with contextlib.AsyncExitStack() as stack:
        check_environment(spec, settings)
        import_plugins(spec)
        trunk = await check_livekit(spec, settings)
        async with utils.http_context.open():
            await prepare_speech(spec, settings)
        ledger = ledger_at(settings.callisi_database)
        await ledger.open()
        stack.push_async_callback(ledger.close)
        lk = await stack.enter_async_context(livekit_api(settings))
        agent = os.environ[warm.AGENT] = spec.model_dump_json(by_alias=True)
        ends = socket_path(spec.name, settings).with_suffix(f".{os.getpid()}.ends")
        setup = JobSetup(agent, trunk, spec.business.emergency or "", str(ends))
        duties = Duties(
            sender=Sender(ledger, build_channels(notify_settings(settings))),
            sweep=Sweep(lk, ledger, spec.name),
            watch=socket_path(spec.name, settings),
            pid_file=pid_path(spec.name, settings),
            inbox=inbox_of(ledger, notify_settings(settings)),
            forgetting=partial(forget_daily, ledger, spec.name, spec.privacy.keep_days),
        )
        admission = Admission(spec.limits.max_calls, spec.display)
        await stack.enter_async_context(hear_ends(ends, admission))
        server = build_server(settings, setup, spec, admission)
        return await run_until_stopped(server, duties, admission)


def livekit_api(settings: Settings) -> api.LiveKitAPI:
    """A client that never replays a request."""
    url = (settings.livekit_url or "").replace("ws", "http", 1)
    return api.LiveKitAPI(url, settings.livekit_api_key, settings.livekit_api_secret, failover=False)


def check_environment(spec: AgentSpec, settings: Settings) -> None:
    """Everything that can be known without asking anybody."""
    problems = [
        Problem(
            f"{name.upper()} is not set", code="missing-setting", hint="set it in the environment or in .env"
        )
        for name in ("livekit_url", "livekit_api_key", "livekit_api_secret")
        if not getattr(settings, name)
    ]
    for target in spec.transfer.to if spec.transfer else ():
        if is_example(target.to) and not settings.twilio_api_base:
            problems.append(
                Problem(
                    "transfer.to is still the example number",
                    code="example-number",
                    hint="set DEFAULT_FORWARD_NUMBER in .env to the number that callers are put through to",
                )
            )
    declared = [channel.kind for channel in spec.fallback.channels] if spec.fallback else []
    problems.extend(missing_settings(declared, notify_settings(settings)))
    if problems:
        raise CallisiError(*problems)


async def check_livekit(spec: AgentSpec, settings: Settings) -> str:
    """Whether LiveKit answers and knows us; returns the outbound trunk's id, empty without a transfer."""
    async with livekit_api(settings) as lk:
        try:
            trunks = (await lk.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest())).items
        except api.ServerError as error:
            refused = error.status in (401, 403)
            raise CallisiError(
                Problem(
                    "LiveKit refuses the key" if refused else f"LiveKit answers {error.code}",
                    code="livekit",
                    hint="check LIVEKIT_API_KEY and LIVEKIT_API_SECRET"
                    if refused
                    else "is its SIP service running?",
                )
            ) from error
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise CallisiError(
                Problem(
                    f"LiveKit cannot be reached at {settings.livekit_url}",
                    code="livekit",
                    hint="check LIVEKIT_URL",
                )
            ) from error
    return find_trunk(spec, [(trunk.sip_trunk_id, trunk.name) for trunk in trunks])


def find_trunk(spec: AgentSpec, trunks: list[tuple[str, str]]) -> str:
    """The id of the declared trunk, by name or id; there must be exactly one."""
    if spec.transfer is None:
        return ""
    wanted = spec.transfer.trunk
    found = [trunk_id for trunk_id, name in trunks if wanted in (trunk_id, name)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(sorted(name or trunk_id for trunk_id, name in trunks)) or "none"
    raise CallisiError(
        Problem(
            f"there are {len(found)} outbound trunks of that name"
            if found
            else "there is no such outbound trunk",
            code="trunk",
            path="transfer.trunk",
            got=wanted,
            allowed=names,
            hint="set SIP_TRUNK_NAME to one of LiveKit's outbound trunks, or to its id (ST_...)",
        )
    )


async def prepare_speech(spec: AgentSpec, settings: Settings) -> None:
    """Synthesise what the cache lacks. Without its fixed sentences no worker registers."""
    plan = make_plan(spec, settings)
    voices = assemble(spec)
    cache = SpeechCache(settings.cache_directory, spec.language, spec.voice.tts)
    texts = [text for texts in plan.static_sentences().values() for text in texts]
    try:
        new = await Speaker(cache, voices.speakers).prepare(texts)
    except SpeechError as error:
        raise CallisiError(
            Problem(
                "the fixed sentences could not be synthesised",
                code="speech",
                got=str(error),
                hint="check the key and the address of the voice (voice.tts)",
            )
        ) from error
    log.info("%d of %d fixed sentences synthesised, the rest was there", new, len(texts))


def build_server(settings: Settings, setup: JobSetup, spec: AgentSpec, admission: Admission) -> AgentServer:
    """The worker as LiveKit knows it: a process per call, no more calls than planned, no port but loopback's."""
    enter = partial(entrypoint, setup=setup)
    warm = partial(prepare, setup=setup)
    pickle.dumps((enter, warm))
    spare_local_models(spec)
    os.environ.setdefault(*NO_MONITOR)
    server = AgentServer(
        ws_url=settings.livekit_url or "",
        api_key=settings.livekit_api_key or "",
        api_secret=settings.livekit_api_secret or "",
        job_executor_type=JobExecutorType.PROCESS,
        num_idle_processes=settings.callisi_idle_processes,
        host="127.0.0.1",
        port=0,
        load_fnc=lambda worker: admission.load,
        # never full for LiveKit: a rescue must always get through, and what is too much is refused one by one
        load_threshold=math.inf,
        drain_timeout=max(1, settings.callisi_drain_seconds - LATER_SECONDS),
        initialize_process_timeout=WARM_SECONDS,
        shutdown_process_timeout=GO_SECONDS,
        max_retry=RECONNECT_TRIES,
        setup_fnc=warm,
        preload_modules=list(SHARED),
    )
    admission.server = server
    server.rtc_session(enter, agent_name=spec.name, on_request=admission.decide)
    return server


def spare_local_models(spec: AgentSpec) -> None:
    """Have LiveKit's own models (240 MB) loaded only for a file that uses them; a choice in the environment stands."""
    if spec.voice.turn.detection != "model" and spec.voice.vad != "local":
        os.environ.setdefault("LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE", "0")


@dataclass(frozen=True, slots=True)
class Duties:
    """What the worker does besides taking calls."""

    sender: Sender
    sweep: Sweep
    watch: Path
    pid_file: Path
    inbox: Inbox | None
    """Fetches what staff answers; None where Twilio reaches `callisi serve`, or is not used."""
    forgetting: Callable[[asyncio.Event], Coroutine[Any, Any, None]]
    """Deletes what is older than the file keeps, about once a day."""

    def start(self, done: asyncio.Event) -> list[asyncio.Task[None]]:
        """Send what is owed, look after calls that nobody has, keep a watchdog; until `done` is set."""
        return [
            asyncio.create_task(self.sender.run(done)),
            asyncio.create_task(self.sweep.run(done)),
            asyncio.create_task(keep_watchdog(self.watch, done)),
            asyncio.create_task(self.forgetting(done)),
            *([asyncio.create_task(self.inbox.run(done))] if self.inbox is not None else []),
        ]


async def run_until_stopped(server: AgentServer, duties: Duties, admission: Admission) -> int:
    """Run, and drain on SIGTERM or SIGINT while the duties go on; exit code 1 when it could not register."""
    stop, done = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    tasks = [*duties.start(done), asyncio.create_task(stop_when_orphaned(duties.pid_file, stop))]
    running = asyncio.create_task(server.run(devmode=False))
    stopping = asyncio.create_task(stop.wait())
    telling = asyncio.create_task(tell_supervisor(duties, admission))
    server.on("worker_registered", lambda *_: _registered(admission.limit))
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    code = ExitCode.OK
    if running.done():
        code = ExitCode.USER_ERROR
        log.error("the worker stopped: %s", running.exception())
    else:
        log.info("draining: no new calls, running calls go on")
        with contextlib.suppress(TimeoutError):
            await server.drain()
    await server.aclose()
    done.set()
    stop.set()
    stopping.cancel()
    telling.cancel()
    await asyncio.gather(running, stopping, telling, *tasks, return_exceptions=True)
    return code


async def stop_when_orphaned(pid_file: Path, stop: asyncio.Event) -> None:
    """When the supervisor died: go on taking calls, and drain as soon as another one takes them."""
    parent = os.getppid()
    while not stop.is_set():
        if os.getppid() != parent and takes_calls(pid_file):
            log.warning("the supervisor is gone and another one takes the calls, so this worker drains")
            stop.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), ORPHAN_SECONDS)


def _registered(max_calls: int) -> None:
    report(registered=True, max_calls=max_calls)
    log.info("registered worker: calls are taken, %d at a time", max_calls)


async def tell_supervisor(duties: Duties, admission: Admission) -> None:
    """Report how many calls there are, whenever that changes."""
    before: dict[str, int] = {}
    while True:
        now = {
            "calls": admission.calls,
            "refused": admission.refused,
            "rescued": duties.sweep.rescued,
            "max_calls": admission.limit,
        }
        if now != before:
            report(**now)
            before = now
        await asyncio.sleep(TELL_SECONDS)


if __name__ == "__main__":
    sys.exit(main())

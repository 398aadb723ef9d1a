"""`callisi-run` while it answers calls: one small process that keeps a worker running, replaces it, and says how it is.

The worker is a child. When it dies it is started again; on SIGHUP, or when a file changes with `--dev`, a new one is
started from the file as it is now, and the old one drains as soon as the new one takes calls. A file that is wrong by
then changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from callisi_runtime.errors import CallisiError, ExitCode
from callisi_runtime.live.logs import configure_logging
from callisi_runtime.live.watch_line import READY, pid_path

if TYPE_CHECKING:
    from callisi_runtime.settings import Settings
    from callisi_runtime.spec import AgentSpec

log = logging.getLogger("callisi.run")

RESTART_SECONDS = (0.2, 1.0, 3.0, 10.0)
"""Pauses before a worker that died is started again; the last one for every further time."""
LAST_WORDS_SECONDS = 0.2
"""How long a worker that ended is still listened to."""
WELL_SECONDS = 60.0
"""A worker that lived this long was well: the pauses start anew."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the command line says."""

    loopback: bool = False
    """Every provider but LiveKit is played by this machine."""
    dev: bool = False
    """Start anew whenever a file changes."""
    health_port: int | None = None


@dataclass(slots=True)
class Child:
    """One worker process."""

    process: asyncio.subprocess.Process
    registered: asyncio.Event = field(default_factory=asyncio.Event)
    status: dict[str, Any] = field(default_factory=dict)
    drains: bool = False
    expendable: bool = False
    """Another worker takes the calls: when this one never can, nothing is lost."""
    since: float = 0.0


class Supervisor:
    """Keeps a worker running.

    Args:
        load: Reads and checks the agent file as it is now; raises CallisiError.
        name: The agent's name.
        settings: The environment.
        environ: What the workers' environment has besides this process's.
    """

    def __init__(
        self, load: Callable[[], AgentSpec], name: str, settings: Settings, environ: dict[str, str]
    ) -> None:
        self.load = load
        self.name = name
        self.settings = settings
        self.environ = environ
        self.children: list[Child] = []
        self.program = ["-m", "callisi_runtime.live.worker"]
        """What the workers run."""
        self.restarts = 0
        self.on_ready: Callable[[], None] = lambda: None
        """Called when a worker takes calls."""
        self._stopping = asyncio.Event()
        self._replace = asyncio.Event()
        self._code: int = ExitCode.OK
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self, spec: AgentSpec) -> int:
        """Until told to stop; the exit code is the worker's own when it never could take a call."""
        first = await self._start(spec)
        self._spawn(self._listen_for_replacements())
        await self._stopping.wait()
        for child in self.children:
            _signal(child, signal.SIGTERM)
        await asyncio.gather(*(child.process.wait() for child in self.children))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        return self._code if first.registered.is_set() else self._code or ExitCode.OK

    def stop(self) -> None:
        """Drain; asked again, end at once."""
        if self._stopping.is_set():
            for child in self.children:
                _signal(child, signal.SIGKILL)
        self._stopping.set()

    def replace(self) -> None:
        """Start a new worker from the file as it is now, then drain the old one."""
        self._replace.set()

    def health(self) -> dict[str, Any]:
        """How it is, as `/healthz` says it."""
        taking = [child for child in self.children if child.registered.is_set() and not child.drains]
        totals = {
            key: sum(int(child.status.get(key, 0)) for child in self.children)
            for key in ("calls", "refused", "rescued")
        }
        return {
            "ok": bool(taking),
            "agent": self.name,
            "workers": len(self.children),
            "taking_calls": len(taking),
            "max_calls": max((int(child.status.get("max_calls", 0)) for child in taking), default=0),
            "restarts": self.restarts,
            **totals,
        }

    async def _start(self, spec: AgentSpec, *, expendable: bool = False) -> Child:
        theirs, ours = os.pipe()
        with os.fdopen(ours, "wb") as writing:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self.program,
                stdin=asyncio.subprocess.PIPE,
                stdout=writing,
                env={**os.environ, **self.environ},
                start_new_session=True,
            )
        child = Child(process, expendable=expendable, since=asyncio.get_running_loop().time())
        self.children.append(child)
        await _tell(process, spec.model_dump_json(by_alias=True).encode() + b"\n")
        listening = asyncio.create_task(self._listen(child, os.fdopen(theirs, "rb")))
        self._spawn(self._follow(child, listening))
        return child

    async def _follow(self, child: Child, listening: asyncio.Task[None]) -> None:
        code = await child.process.wait()
        # what it said last; calls that outlive it keep its output open
        await asyncio.wait({listening}, timeout=LAST_WORDS_SECONDS)
        listening.cancel()
        self.children.remove(child)
        if self._stopping.is_set() or child.drains or child.expendable:
            return
        if not child.registered.is_set() and not self.restarts:
            self._code = code or ExitCode.USER_ERROR
            self._stopping.set()
            return
        await self._start_again(child, code)

    async def _listen(self, child: Child, output: IO[bytes]) -> None:
        """What the worker says of itself, until it says no more."""
        loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), output)
        try:
            async for line in reader:
                with contextlib.suppress(ValueError):
                    child.status.update(json.loads(line))
                if child.status.get("registered") and not child.registered.is_set():
                    child.registered.set()
                    self.on_ready()
        finally:
            transport.close()

    async def _start_again(self, child: Child, code: int) -> None:
        lived = asyncio.get_running_loop().time() - child.since
        self.restarts = 1 if lived > WELL_SECONDS else self.restarts + 1
        pause = RESTART_SECONDS[min(self.restarts, len(RESTART_SECONDS)) - 1]
        log.error("the worker ended with %d and is started again in %.1f s", code, pause)
        await asyncio.sleep(pause)
        spec = self._load()
        if spec is not None and not self._stopping.is_set():
            await self._start(spec)
        elif spec is None:
            self._spawn(self._start_again(child, code))

    def _load(self) -> AgentSpec | None:
        try:
            return self.load()
        except CallisiError as error:
            for problem in error.problems:
                log.error("%s", problem)
            return None

    async def _listen_for_replacements(self) -> None:
        while True:
            await self._replace.wait()
            self._replace.clear()
            spec = self._load()
            if spec is None:
                log.error("the file is wrong, so the running worker stays")
                continue
            await self._hand_over(spec)

    async def _hand_over(self, spec: AgentSpec) -> None:
        """A new worker from this file; the old ones drain as soon as it takes calls."""
        old = [child for child in self.children if not child.drains]
        new = await self._start(spec, expendable=bool(old))
        waiting = asyncio.create_task(new.registered.wait())
        ended = asyncio.create_task(new.process.wait())
        await asyncio.wait({waiting, ended}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        ended.cancel()
        if not new.registered.is_set():
            log.error("the new worker could not take calls, so the running one stays")
            return
        new.expendable = False
        log.info("the new worker takes the calls, the old one drains")
        for child in old:
            child.drains = True
            _signal(child, signal.SIGTERM)

    def _spawn(self, work: Awaitable[Any]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def serve(load: Callable[[], AgentSpec], files: list[Path], settings: Settings, options: RunOptions) -> int:
    """Answer calls until told to stop; returns the exit code.

    Args:
        load: Reads and checks the agent file as it is now.
        files: What `--dev` watches.
        settings: The environment.
        options: The command line.

    Raises:
        CallisiError: what would make a call fail, in one clear sentence, before anything registers.
    """
    configure_logging()
    spec = load()
    return asyncio.run(_serve(spec, load, files, settings, options))


async def _serve(
    spec: AgentSpec,
    load: Callable[[], AgentSpec],
    files: list[Path],
    settings: Settings,
    options: RunOptions,
) -> int:
    async with contextlib.AsyncExitStack() as stack:
        environ: dict[str, str] = {}
        if options.loopback:
            from callisi_runtime.live.loopback import start_loopback

            environ = await start_loopback(stack, spec)
        supervisor = Supervisor(load, spec.name, settings, environ)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, supervisor.stop)
        loop.add_signal_handler(signal.SIGINT, supervisor.stop)
        loop.add_signal_handler(signal.SIGHUP, supervisor.replace)
        port = options.health_port if options.health_port is not None else settings.callisi_health_port
        await stack.enter_async_context(health_server(supervisor, port))
        supervisor.on_ready = stack.enter_context(pid_file(spec.name, settings))
        watching = asyncio.create_task(watch_files(files, supervisor)) if options.dev else None
        code = await supervisor.run(spec)
        if watching is not None:
            watching.cancel()
        return code


async def watch_files(files: list[Path], supervisor: Supervisor) -> None:
    """Replace the worker whenever one of the files changes.

    Their folders are watched: most editors put a new file in the old one's place, and a watch goes with the old one.
    """
    from watchfiles import Change, awatch

    watched = {str(path.resolve()) for path in files}

    def is_ours(_: Change, path: str) -> bool:
        return path in watched

    folders = {path.resolve().parent for path in files}
    async for _ in awatch(*folders, watch_filter=is_ours, recursive=False):
        log.info("a file has changed")
        supervisor.replace()


@contextlib.asynccontextmanager
async def health_server(supervisor: Supervisor, port: int) -> Any:
    """`/healthz` (200 while calls are taken, else 503) and `/metrics`, on loopback only; yields the port."""
    from aiohttp import web

    async def healthz(_: web.Request) -> web.Response:
        health = supervisor.health()
        return web.json_response(health, status=200 if health["ok"] else 503)

    async def metrics(_: web.Request) -> web.Response:
        lines = [
            f"callisi_{key} {int(value)}" for key, value in supervisor.health().items() if key != "agent"
        ]
        return web.Response(text="\n".join(lines) + "\n", content_type="text/plain")

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/", healthz), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        port = int(runner.addresses[0][1])
    except OSError as error:
        await runner.cleanup()
        raise CallisiError(
            f"port {port} of 127.0.0.1 is taken, perhaps by a worker that runs already; "
            "choose another with --health-port, or hand the calls over with --replace"
        ) from error
    try:
        yield port
    finally:
        await runner.cleanup()


@contextlib.contextmanager
def pid_file(name: str, settings: Settings) -> Any:
    """Write this process's id down while it runs; yields what to call when it takes calls.

    A worker whose own supervisor died goes on until it reads here that another one takes the calls.
    """
    path = pid_path(name, settings)
    path.write_text(f"{os.getpid()}\n")

    def ready() -> None:
        path.write_text(f"{os.getpid()}\n{READY}\n")

    try:
        yield ready
    finally:
        with contextlib.suppress(OSError):
            if path.read_text().split()[0] == str(os.getpid()):
                path.unlink()


def replace_running(name: str, settings: Settings) -> int:
    """`--replace`: have the running supervisor start a worker from the file as it is now.

    Raises:
        CallisiError: nothing of that name runs on this machine.
    """
    try:
        os.kill(int(pid_path(name, settings).read_text().split()[0]), signal.SIGHUP)
    except (OSError, ValueError, IndexError) as error:
        raise CallisiError(
            f"no callisi-run of the agent {name} runs here, so there is nothing to replace; start it without --replace"
        ) from error
    return ExitCode.OK


def _signal(child: Child, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.process.send_signal(number)


async def _tell(process: asyncio.subprocess.Process, text: bytes) -> None:
    """Write to a process's input, and close it: whoever inherits it would hide the process's end."""
    assert process.stdin is not None
    with contextlib.suppress(ConnectionError):
        process.stdin.write(text)
        await process.stdin.drain()
        process.stdin.close()
        await process.stdin.wait_closed()

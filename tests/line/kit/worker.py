"""A worker as a program of its own: `callisi-run AGENT`, or whatever command is given."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import time
from typing import IO, TYPE_CHECKING

import psutil

from .call import Entry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

REGISTERED = r"registered worker"
"""What the log says when calls can be taken; its health port answers earlier."""
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "VIRTUAL_ENV", "TMPDIR")
"""The only variables of this process that a worker inherits: no key of the person who runs the tests."""
LONGEST_LINE = 2**20
LAST_WORDS = 0.5
"""Seconds in which what a worker said before its end is read, when its children keep the pipe open."""


class WorkerFailed(AssertionError):
    """The worker ended, or did not say what was awaited; carries the end of its log."""


class Worker:
    """`async with Worker([...], env=box.environment, folder=run_folder) as worker:` is registered when it enters."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        folder: Path,
        name: str = "worker",
        ready: str = REGISTERED,
        ready_within: float = 40.0,
    ) -> None:
        self.command, self.name, self.ready, self.ready_within = list(command), name, ready, ready_within
        self.environment = {key: os.environ[key] for key in KEPT if key in os.environ} | dict(env)
        self.log_path = folder / f"{name}.log"
        self.lines: list[Entry] = []
        """Every line printed so far, with the time of its arrival."""
        self._news = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._over = False

    async def __aenter__(self) -> Self:
        await self.start()
        try:
            await self.until_line(self.ready, self.ready_within)
        except BaseException:
            await self.stop(signal.SIGKILL)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start without waiting."""
        loop, stream = asyncio.get_running_loop(), asyncio.StreamReader(LONGEST_LINE)
        theirs, ours = self._pipe()
        self._output, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), theirs)
        with ours:
            self._process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=ours,
                stderr=asyncio.subprocess.STDOUT,
                env=self.environment,
                start_new_session=True,
            )
        self._reader = loop.create_task(self._read(stream))
        self._watcher = loop.create_task(self._watch(self._process, self._reader))

    @staticmethod
    def _pipe() -> tuple[IO[bytes], IO[bytes]]:
        """A pipe of our own: asyncio's would hide the worker's end until its last child had ended, too."""
        reading, writing = os.pipe()
        return os.fdopen(reading, "rb"), os.fdopen(writing, "wb")

    async def _read(self, stream: asyncio.StreamReader) -> None:
        with self.log_path.open("ab") as log:
            async for line in stream:
                self.lines.append(Entry(time.monotonic(), line.decode(errors="replace").rstrip()))
                log.write(line)
                log.flush()
                self._news.set()

    async def _watch(self, process: asyncio.subprocess.Process, reader: asyncio.Task[None]) -> None:
        await process.wait()
        await asyncio.wait({reader}, timeout=LAST_WORDS)
        self._over = True
        self._news.set()

    async def until_line(self, pattern: str, timeout: float = 10.0, *, since: float = 0.0) -> Entry:
        """The first line after `since` that matches. Raises WorkerFailed when it ends or time runs out first."""
        try:
            async with asyncio.timeout(timeout):
                return await self._find(re.compile(pattern), since)
        except TimeoutError:
            raise WorkerFailed(f"no line with {pattern!r} within {timeout} s; {self.log_tail()}") from None

    async def _find(self, pattern: re.Pattern[str], since: float) -> Entry:
        while True:
            for entry in self.lines:
                if entry.at >= since and pattern.search(entry.text):
                    return entry
            if self._over:
                raise WorkerFailed(
                    f"ended with {self.exit_code} before {pattern.pattern!r}; {self.log_tail()}"
                )
            self._news.clear()
            await self._news.wait()

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for a signal."""
        return self._process.returncode if self._process is not None else None

    @property
    def pid(self) -> int:
        """The main process. Raises WorkerFailed when it was never started."""
        if self._process is None:
            raise WorkerFailed(f"{self.name} was never started")
        return self._process.pid

    def children(self) -> list[psutil.Process]:
        """Every process below the main one."""
        try:
            below: list[psutil.Process] = psutil.Process(self.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return below

    def send(self, number: signal.Signals) -> None:
        """Signal the main process alone."""
        if self.exit_code is None:
            os.kill(self.pid, number)

    async def ended(self, timeout: float = 10.0) -> int:
        """The exit code. Raises WorkerFailed when it goes on."""
        if self._process is None:
            raise WorkerFailed(f"{self.name} was never started")
        try:
            return await asyncio.wait_for(self._process.wait(), timeout)
        except TimeoutError:
            raise WorkerFailed(f"{self.name} goes on after {timeout} s; {self.log_tail()}") from None

    async def stop(self, number: signal.Signals = signal.SIGTERM, timeout: float = 10.0) -> None:
        """Signal, wait, and kill what is left of it and its children."""
        if self._process is None:
            return
        family = self.children()
        self.send(number)
        try:
            await self.ended(timeout)
        except WorkerFailed:
            self.send(signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        await self._watcher
        await asyncio.to_thread(psutil.wait_procs, family, timeout)
        self._output.close()
        await self._reader

    def log_tail(self, lines: int = 20) -> str:
        """The end of what it printed, for an error."""
        return "\n".join([f"the log of {self.name} ends:", *(entry.text for entry in self.lines[-lines:])])

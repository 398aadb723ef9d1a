"""baresip, a telephone of other people's making that speaks and records; driven over its control socket."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .audio import RATE, Samples, read_wav, silence, write_wav
from .hearing import Heard
from .net import INTERFACE

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

MODULES = ("/usr/lib/baresip/modules", "/usr/lib64/baresip/modules", "/usr/local/lib/baresip/modules")
CONFIG = """\
sip_listen {ip}:{port}
net_interface {interface}
call_local_timeout 120
audio_source aufile,{folder}/says.wav
audio_player aufile,{folder}/played.wav
audio_alert nil
ausrc_srate {rate}
auplay_srate {rate}
rtp_ports 30000-30100
snd_path {folder}
ring_aufile none
module_path {modules}
module g711.so
module aufile.so
module sndfile.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
"""
ACCOUNT = "<sip:{user}@{ip}:{port}>;regint=0;answermode=manual;audio_codecs=PCMU;dtmfmode=rtpevent\n"


class BaresipFailed(AssertionError):
    """The telephone did not do what was awaited."""


class Baresip:
    """`async with Baresip(STAFF, STAFF_NUMBER, folder) as phone: await phone.until("CALL_INCOMING")`.

    It rings only for the number it is given. What it cannot do: choose the code with which it rejects.
    """

    def __init__(
        self,
        ip: str,
        number: str,
        folder: Path,
        *,
        says: Samples | None = None,
        port: int = 5060,
        interface: str = INTERFACE,
        control: int = 4444,
    ) -> None:
        self.folder, self.control = folder, control
        self.events: list[tuple[float, dict[str, Any]]] = []
        """(monotonic seconds, what it reported), in order."""
        self._news = asyncio.Event()
        self._token = itertools.count()
        folder.mkdir(parents=True, exist_ok=True)
        write_wav(folder / "says.wav", says if says is not None else silence(120.0))
        modules = next((path for path in MODULES if Path(path).is_dir()), MODULES[0])
        facts = {"ip": ip, "port": port, "interface": interface, "folder": folder, "rate": RATE}
        (folder / "config").write_text(CONFIG.format(**facts, modules=modules, control=control))
        (folder / "accounts").write_text(ACCOUNT.format(user=number, ip=ip, port=port))
        (folder / "contacts").write_text("")

    async def __aenter__(self) -> Self:
        with (self.folder / "baresip.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                "baresip", "-f", str(self.folder), stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            async with asyncio.timeout(10.0):
                reader, self._writer = await self._connect()
        except BaseException:
            await self._end()
            raise
        self._reading = asyncio.get_running_loop().create_task(self._read(reader))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
        await self._end()
        await self._reading

    async def _end(self) -> None:
        if self._process.returncode is None:
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), 5.0)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._process.returncode is None:
            try:
                return await asyncio.open_connection("127.0.0.1", self.control)
            except OSError:
                await asyncio.sleep(0.02)
        raise BaresipFailed(
            f"baresip ended with {self._process.returncode}, see {self.folder / 'baresip.log'}"
        )

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Netstrings of JSON, until the connection closes."""
        try:
            while True:
                length = int((await reader.readuntil(b":"))[:-1])
                message = json.loads(await reader.readexactly(length))
                await reader.readexactly(1)
                self.events.append((time.monotonic(), message))
                self._news.set()
        except (asyncio.IncompleteReadError, ConnectionError):
            return

    # What it does

    async def dial(self, uri: str) -> None:
        """Place a call."""
        await self._command("dial", uri)

    async def accept(self) -> None:
        """Pick up, and return when the call stands."""
        await self._command("accept")
        await self.until("CALL_ESTABLISHED")

    async def hang_up(self) -> None:
        """End the call, or reject it."""
        await self._command("hangup")

    async def press(self, key: str) -> None:
        """Press a key."""
        await self._command("sndcode", key)

    async def _command(self, command: str, parameters: str = "") -> None:
        message = {"command": command, "params": parameters, "token": str(next(self._token))}
        data = json.dumps({name: value for name, value in message.items() if value}).encode()
        self._writer.write(b"%d:%s," % (len(data), data))
        await self._writer.drain()

    # What it sees and hears

    async def until(self, kind: str, timeout: float = 15.0) -> float:
        """When it first reported `CALL_INCOMING`, `CALL_ESTABLISHED`, `CALL_CLOSED` ... Raises BaresipFailed."""
        try:
            async with asyncio.timeout(timeout):
                while True:
                    if (at := self._when(kind)) is not None:
                        return at
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            seen = [event.get("type") for _, event in self.events if event.get("event")]
            raise BaresipFailed(f"no {kind} within {timeout} s, but {seen}") from None

    def _when(self, kind: str) -> float | None:
        return next((at for at, event in self.events if event.get("type") == kind), None)

    def heard(self) -> Heard:
        """What it recorded, complete once it has been ended; dated from zero. Raises BaresipFailed without one."""
        recordings = sorted(self.folder.glob("dump-*-dec.wav"))
        if not recordings:
            raise BaresipFailed(f"no recording in {self.folder}")
        return Heard(0.0, read_wav(recordings[-1]))

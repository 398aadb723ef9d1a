"""Redis, livekit-server and livekit-sip in the namespace of this process, with their logs kept."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import psutil
from livekit import api

from .net import BRIDGE, NETWORK

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType
    from typing import Self

URL = "ws://127.0.0.1:7880"
API_KEY = "linekey"
API_SECRET = "line-secret-of-no-value-0123456789-0123456789"
READY_WITHIN = 15.0
POLL = 0.02

Name = Literal["redis", "livekit", "sip"]


class ServerFailed(AssertionError):
    """A server ended, or did not become ready; carries the end of its log."""


@dataclass
class Server:
    """One program of the line."""

    name: Name
    command: list[str]
    healthy: Callable[[], bool]
    log_path: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def pid(self) -> int | None:
        """The process that runs, None when none does."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start the program; `wait_until_ready` says when it serves."""
        if self.pid is None:
            with self.log_path.open("ab") as log:
                self._process = subprocess.Popen(
                    self.command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )

    def wait_until_ready(self) -> None:
        """Raises ServerFailed when it ends or is not healthy within 15 s."""
        until = time.monotonic() + READY_WITHIN
        while not self.healthy():
            if self.pid is None or time.monotonic() > until:
                raise ServerFailed(f"{self.name} is not ready; its log ends:\n{self.log_tail()}")
            time.sleep(POLL)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to a program that runs."""
        if self._process is not None:
            self._process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGKILL, timeout: float = 5.0) -> None:
        """Signal, and wait for the end; what has not ended after `timeout` seconds is killed."""
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def log_tail(self, lines: int = 15) -> str:
        """The end of what the program has printed."""
        text = self.log_path.read_text(errors="replace") if self.log_path.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


class Box:
    """The three servers. `with Box(folder) as box:` gives a line that serves calls after about a second.

    `livekit_options` and `sip_options` replace top-level keys of the two configurations.
    """

    def __init__(
        self,
        folder: Path,
        *,
        livekit_options: dict[str, object] | None = None,
        sip_options: dict[str, object] | None = None,
    ) -> None:
        self.folder = folder
        # JSON is YAML: the servers read it as it is.
        livekit, sip = folder / "livekit.yaml", folder / "sip.yaml"
        livekit.write_text(json.dumps(livekit_config() | (livekit_options or {}), indent=2))
        sip.write_text(json.dumps(sip_config() | (sip_options or {}), indent=2))
        redis = ["redis-server", "--bind", "127.0.0.1", "--port", "6379", "--appendonly", "no", "--save"]
        commands: dict[Name, tuple[list[str], Callable[[], bool]]] = {
            "redis": ([*redis, "", "--dir", str(folder)], lambda: _listens(6379)),
            "livekit": (["livekit-server", "--config", str(livekit)], lambda: _serves(7880)),
            "sip": (["livekit-sip", "--config", str(sip)], lambda: _serves(8085)),
        }
        self.servers = {
            name: Server(name, command, healthy, folder / f"{name}.log")
            for name, (command, healthy) in commands.items()
        }

    def __enter__(self) -> Self:
        try:
            for server in self.servers.values():
                server.start()
                server.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Kill all three: nothing in them is worth an orderly end."""
        for server in reversed(self.servers.values()):
            server.stop()

    async def kill(self, name: Name, number: signal.Signals = signal.SIGKILL) -> None:
        """Signal one server and wait for its end. LiveKit's two wait for the last call on SIGTERM."""
        await asyncio.to_thread(self.servers[name].stop, number)

    async def start(self, name: Name) -> None:
        """Start one server again, ready when this returns. Raises ServerFailed."""
        self.servers[name].start()
        await asyncio.to_thread(self.servers[name].wait_until_ready)

    async def restart(self, name: Name, *, down: float = 0.0) -> None:
        """Kill one server and start it again after `down` seconds."""
        await self.kill(name)
        await asyncio.sleep(down)
        await self.start(name)

    def log(self, name: Name) -> str:
        """Everything one server has printed."""
        return self.servers[name].log_path.read_text(errors="replace")

    def strangers(self) -> list[str]:
        """Every process in the box that is neither pytest, nor one of the servers: what a test left behind."""
        known = {server.pid for server in self.servers.values()} | {os.getpid(), *_ancestors()}
        others = (process for process in psutil.process_iter() if process.pid not in known)
        return [described for process in others if (described := _describe(process))]

    @property
    def environment(self) -> dict[str, str]:
        """What a worker needs to find this line."""
        return {"LIVEKIT_URL": URL, "LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET}


def api_client() -> api.LiveKitAPI:
    """The server's API, which never repeats a request by itself. The caller closes it."""
    return api.LiveKitAPI(URL.replace("ws", "http", 1), API_KEY, API_SECRET, failover=False)


def livekit_config() -> dict[str, object]:
    """A server that knows no address but its own."""
    return {
        "port": 7880,
        "bind_addresses": ["127.0.0.1", BRIDGE],
        "keys": {API_KEY: API_SECRET},
        "redis": {"address": "127.0.0.1:6379"},
        "rtc": {
            "use_external_ip": False,
            "node_ip": BRIDGE,
            "tcp_port": 7881,
            "port_range_start": 50000,
            "port_range_end": 50400,
            "stun_servers": [f"{BRIDGE}:3478"],
        },
        "logging": {"level": "debug", "pion_level": "error", "json": True},
    }


def sip_config() -> dict[str, object]:
    """A bridge on its own address; a port of a call stays bound for 30 s after it, so there are many."""
    return {
        "api_key": API_KEY,
        "api_secret": API_SECRET,
        "ws_url": URL,
        "redis": {"address": "127.0.0.1:6379"},
        "sip_port": 5060,
        "listen_ip": BRIDGE,
        "rtp_port": "10000-12000",
        "local_net": NETWORK,
        "use_external_ip": False,
        "health_port": 8085,
        # By default it refuses calls while the machine is busy, with whatever else.
        "max_cpu_utilization": 1.0,
        "logging": {"level": "debug", "json": True},
    }


def _ancestors() -> set[int]:
    return {process.pid for process in psutil.Process().parents()}


def _describe(process: psutil.Process) -> str:
    """Its command line, empty when it has ended meanwhile."""
    try:
        return "" if process.status() == psutil.STATUS_ZOMBIE else " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 0.5).close()
    except OSError:
        return False
    return True


def _serves(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=0.5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()

"""What every loopback provider shares: a port on loopback, a log of requests, faults on demand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Self

from aiohttp import web

from callisi_runtime.errors import CallisiError
from callisi_runtime.loopback.faults import Fault, Faults
from callisi_runtime.loopback.log import Entry, Log

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
FAULT: web.RequestKey[Fault] = web.RequestKey("fault", Fault)
_SECRET_HEADERS = {"authorization", "api-key", "cookie"}


class Server:
    """One provider on `host:port` (port 0: any free one); an async context manager.

    Every server also answers `POST /__faults` ({"target", "fault", "times", "headers"}), `GET` and `DELETE`
    of the same, and `GET /__log` (`?operation=sms&count=1&timeout=10` waits until there are so many).
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.host, self.port = host, port
        self.faults = Faults()
        self.log = Log()
        self._closing = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None

    # What a provider says about itself.

    def routes(self) -> list[web.RouteDef]:
        """The provider's own routes."""
        raise NotImplementedError

    async def operation(self, request: web.Request) -> str:
        """The word that fault rules and the log use for this request."""
        raise NotImplementedError

    async def readable(self, request: web.Request) -> object:
        """The body of the request as plain data for the log."""
        if request.content_type == "application/json" and request.can_read_body:
            return await request.json()
        return None

    def refusal(self, status: int, message: str) -> web.Response:
        """An error in the provider's own form."""
        return web.json_response({"error": message}, status=status)

    # Life.

    @property
    def url(self) -> str:
        """The origin, `http://127.0.0.1:PORT`, once started."""
        return f"http://{self.host}:{self.port}"

    async def start(self) -> None:
        """Listen; OSError when the port is taken."""
        app = web.Application(middlewares=[self._misbehave], client_max_size=64 * 1024 * 1024)
        app.add_routes(self.routes())
        app.add_routes(
            [
                web.post("/__faults", self._add_faults),
                web.get("/__faults", self._show_faults),
                web.delete("/__faults", self._clear_faults),
                web.get("/__log", self._show_log),
            ]
        )
        # A hanging answer ends with its client, not with the server.
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port).start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Let go of everything that hangs, then of the port."""
        self._closing.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Work that outlives its request and ends with the server."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def note(self, operation: str, body: object) -> None:
        """Write a remark of the server's own into the log."""
        self.log.add(Entry(operation, body=body))

    # Misbehaviour.

    @web.middleware
    async def _misbehave(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/__"):
            return await handler(request)
        try:
            operation, said = await self.operation(request), await self.readable(request)
        except ValueError:
            return self.refusal(400, "the body cannot be read")
        fault = self.faults.take(operation)
        self.log.add(_entry(request, operation, said, fault))
        if fault is None:
            return await handler(request)
        request[FAULT] = fault
        return await self._spoiled(request, handler, fault)

    async def _spoiled(self, request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
        match fault.kind:
            case "status":
                answer = self.refusal(int(fault.number), "scripted fault")
                answer.headers.update(fault.headers)
                return answer
            case "slow":
                await asyncio.sleep(fault.number)
                return await handler(request)
            case "hang":
                return await self.hang(request)
            case "drop":
                return self.drop(request)
        answer_late = await handler(request)
        return answer_late if answer_late.prepared else await self._withheld(request, answer_late, fault)

    async def _withheld(
        self, request: web.Request, answer: web.StreamResponse, fault: Fault
    ) -> web.StreamResponse:
        """The answer of work that was done: half of it, or none."""
        if fault.kind in {"drop_mid", "hang_mid"} and isinstance(answer, web.Response):
            body = answer.body if isinstance(answer.body, bytes) else b""
            half = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
            half.content_length = len(body)
            await half.prepare(request)
            await half.write(body[: len(body) // 2])
        return await self.hang(request) if "hang" in fault.kind else self.drop(request)

    async def hang(self, request: web.Request) -> web.StreamResponse:
        """Keep the client waiting until it leaves or the server stops."""
        await self._closing.wait()
        return self.drop(request)

    def drop(self, request: web.Request) -> web.StreamResponse:
        """Reset the connection."""
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    # Admin.

    async def _add_faults(self, request: web.Request) -> web.Response:
        given = await request.json()
        try:
            for rule in given if isinstance(given, list) else [given]:
                self.faults.add(
                    rule["target"], rule["fault"], times=rule.get("times", 1), headers=rule.get("headers")
                )
        except (CallisiError, KeyError, TypeError, AttributeError) as error:
            return web.json_response({"error": f"{error}"}, status=400)
        return await self._show_faults(request)

    async def _show_faults(self, _: web.Request) -> web.Response:
        return web.json_response(self.faults.pending())

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self.faults.clear()
        return await self._show_faults(request)

    async def _show_log(self, request: web.Request) -> web.Response:
        operation = request.query.get("operation")
        if operation is not None and "count" in request.query:
            count, seconds = int(request.query["count"]), float(request.query.get("timeout", 10))
            with contextlib.suppress(TimeoutError):
                await self.log.wait_for(operation, count=count, timeout=seconds)
        return web.json_response(self.log.as_json(operation))


def _entry(request: web.Request, operation: str, said: object, fault: Fault | None) -> Entry:
    headers = {k.lower(): v for k, v in request.headers.items() if k.lower() not in _SECRET_HEADERS}
    shown = None if fault is None else str(fault)
    return Entry(operation, request.method, request.path, dict(request.query), headers, said, shown)


class Stream:
    """An answer written piece by piece; a fault cuts it off in the middle."""

    def __init__(self, server: Server, request: web.Request, content_type: str) -> None:
        self._server, self._request = server, request
        self._answer = web.StreamResponse(headers={"Content-Type": content_type})
        self._fault = request.get(FAULT)

    async def write_all(self, pieces: Sequence[bytes], *, pause: float = 0.0) -> web.StreamResponse:
        """Send the pieces, `pause` seconds apart."""
        await self._answer.prepare(self._request)
        for piece in pieces[: self._reach(len(pieces))]:
            await self._answer.write(piece)
            if pause:
                await asyncio.sleep(pause)
        if self._cut:
            hangs = self._fault is not None and "hang" in self._fault.kind
            return await self._server.hang(self._request) if hangs else self._server.drop(self._request)
        await self._answer.write_eof()
        return self._answer

    @property
    def _cut(self) -> bool:
        return self._fault is not None and self._fault.kind != "slow"

    def _reach(self, pieces: int) -> int:
        if not self._cut:
            return pieces
        assert self._fault is not None
        return max(1, pieces // 2) if self._fault.kind.endswith("_mid") else 0

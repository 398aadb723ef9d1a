"""A browser for tests: real HTTP to a real server, under whatever name the site has for the outside."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import uvicorn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.applications import Starlette


@dataclass(frozen=True)
class Page:
    status: int
    text: str
    headers: Mapping[str, str]

    def json(self) -> Any:
        return json.loads(self.text)


class Browser:
    """Follows no redirect, and keeps the cookie it was given."""

    def __init__(self, address: str, host: str) -> None:
        self.address = address
        self.host = host
        self.cookie: str | None = None

    async def get(self, path: str, **headers: str) -> Page:
        return await self._ask("GET", path, None, headers)

    async def post(self, path: str, form: Mapping[str, str] | bytes, **headers: str) -> Page:
        return await self._ask("POST", path, form, headers)

    async def _ask(
        self, method: str, path: str, form: Mapping[str, str] | bytes | None, headers: Mapping[str, str]
    ) -> Page:
        sent = {"Host": self.host, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.cookie:
            sent["Cookie"] = self.cookie
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                method, self.address + path, data=form, headers=sent, allow_redirects=False
            ) as answer,
        ):
            if "set-cookie" in answer.headers:
                self.cookie = answer.headers["set-cookie"].split(";")[0]
            return Page(answer.status, await answer.text(), answer.headers)


@contextlib.asynccontextmanager
async def serving(app: Starlette, host: str) -> AsyncIterator[Browser]:
    """The app on loopback, and a browser that calls it by its public name."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
        running = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield Browser(f"http://127.0.0.1:{listening.getsockname()[1]}", host)
        server.should_exit = True
        await running

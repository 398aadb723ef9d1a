"""Take providers' reports and the staff's answers, show the links in messages, and list the callbacks.

Listens on loopback; a proxy with a certificate in front of it passes CALLISI_PUBLIC_URL on. Every signature is checked.
/ lists who waits for a call, /twilio/counts says how many reports came and were refused; whoever does not come from
this machine itself is asked for CALLISI_SERVE_TOKEN. Without `callisi serve` the worker asks the provider: nothing is
lost, it only takes longer.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
from typing import TYPE_CHECKING

from callisi_runtime.cli.books import add_database, database_url, read_settings, with_ledger
from callisi_runtime.cli.output import print_json
from callisi_runtime.errors import CallisiError, ExitCode, Problem, UsageError

if TYPE_CHECKING:
    from callisi_runtime.ledger import Ledger
    from callisi_runtime.settings import Settings

PORT = 8082


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Read by `callisi serve --help`."""
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="where to listen (127.0.0.1)")
    parser.add_argument(
        "--port", type=int, default=PORT, metavar="PORT", help=f"0 takes any free one ({PORT})"
    )
    add_database(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Runs until it is interrupted. Exit code 1 when it cannot listen, or cannot check a signature."""
    settings = read_settings()
    require(settings)
    with listening(args.host, args.port) as taken:
        host, port = taken.getsockname()[:2]
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        if args.json:
            print_json({"ok": True, "listening": address})
        else:
            print(f"listening on {address}, for {settings.callisi_public_url}", flush=True)
        url = database_url(args, settings)
        with_ledger(url, lambda ledger: serve(ledger, settings, taken), create=True)
    return ExitCode.OK


def require(settings: Settings) -> None:
    """Raise CallisiError when no report could be checked."""
    needed = {
        "CALLISI_PUBLIC_URL": "where Twilio reaches this: https://calls.example.org",
        "TWILIO_AUTH_TOKEN": "the token that Twilio signs its reports with",
    }
    missing = [
        Problem(f"{name} is not set", code="missing-setting", hint=f"set it in .env: {what}")
        for name, what in needed.items()
        if not getattr(settings, name.lower())
    ]
    if missing:
        raise CallisiError(*missing)


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        UsageError: That is no port.
        CallisiError: The address is not ours, or taken.
    """
    if not 0 <= port <= 65_535:
        raise UsageError("--port is a number from 0 to 65535")
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        hint = "choose another with --port" if port else None
        raise CallisiError(
            Problem(f"cannot listen on {host}:{port}: {error.strerror}", code="port-taken", hint=hint)
        ) from None


def is_local(taken: socket.socket) -> bool:
    """Whether only this machine can connect."""
    from ipaddress import ip_address

    return ip_address(taken.getsockname()[0]).is_loopback


async def serve(ledger: Ledger, settings: Settings, taken: socket.socket) -> None:
    """Answer until SIGINT or SIGTERM."""
    import uvicorn

    from callisi_runtime.web.app import serve_app

    app = serve_app(ledger, settings, local=is_local(taken))
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", server_header=False)
    try:
        await uvicorn.Server(config).serve(sockets=[taken])
    except (KeyboardInterrupt, asyncio.CancelledError):  # uvicorn raises its signal anew when it is done
        return

"""Send what is due: the worker does the same; any number of senders may run, on any machine.

Where Twilio cannot reach us (no CALLISI_PUBLIC_URL), it fetches what the staff answers as well.

Without --until-empty it goes on until it is interrupted. With it, it ends when nothing is left to send or to ask about,
or after --patience seconds: for cron, and for tests.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

from callisi_runtime.cli.books import add_database, database_url, read_settings, with_ledger
from callisi_runtime.cli.output import count, print_json
from callisi_runtime.errors import ExitCode

if TYPE_CHECKING:
    from callisi_runtime.ledger import Health, Ledger
    from callisi_runtime.notify import Sender
    from callisi_runtime.notify.inbox import Inbox


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Read by `callisi deliver --help`."""
    parser.add_argument("--until-empty", action="store_true", help="end when nothing is left to do")
    parser.add_argument(
        "--patience",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="with --until-empty: how long retries and providers' reports are waited for (60)",
    )
    add_database(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Exit code 1 when --until-empty leaves dead notifications behind."""
    settings = read_settings()
    url = database_url(args, settings)

    async def work(ledger: Ledger) -> tuple[int | None, Health]:
        from callisi_runtime.notify import Sender, build_channels
        from callisi_runtime.notify.inbox import inbox_of
        from callisi_runtime.notify.settings import notify_settings

        channels = notify_settings(settings)
        sender, inbox = Sender(ledger, build_channels(channels)), inbox_of(ledger, channels)
        attempts = None
        if args.until_empty:
            if inbox is not None:
                await inbox.try_to_look()
            attempts = await sender.drain(args.patience)
        else:
            await go_on(sender, inbox)
        return attempts, await ledger.health()

    attempts, health = with_ledger(url, work, create=not args.until_empty)
    if args.json:
        print_json(
            {
                "ok": not health.dead,
                "attempts": attempts,
                "dead": health.dead,
                "open_obligations": health.open_obligations,
                "overdue": round(health.overdue, 1),
            }
        )
    else:
        print(summary(attempts, health))
    return ExitCode.USER_ERROR if args.until_empty and health.dead else ExitCode.OK


async def go_on(sender: Sender, inbox: Inbox | None) -> None:
    """Send, and fetch what the staff answers, until SIGINT or SIGTERM; then finish what has begun."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    await asyncio.gather(sender.run(stop), *([inbox.run(stop)] if inbox is not None else []))


def summary(attempts: int | None, health: Health) -> str:
    """The last line: `3 attempts, 1 dead, 2 open promises`."""
    parts = [] if attempts is None else [count(attempts, "attempt")]
    if health.dead:
        parts.append(f"{health.dead} dead, see `callisi notifications --dead`")
    parts.append(count(health.open_obligations, "open promise"))
    return ", ".join(parts)

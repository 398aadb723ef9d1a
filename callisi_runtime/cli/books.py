"""The ledger as commands use it: which database, opened and closed, and the words of `--since`."""

from __future__ import annotations

import argparse
import asyncio
import difflib
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from callisi_runtime.errors import CallisiError, Problem, UsageError

if TYPE_CHECKING:
    from callisi_runtime.ledger import Ledger
    from callisi_runtime.settings import Settings

T = TypeVar("T")

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
EVERYTHING = 1_000_000
"""More calls than a ledger keeps: no limit."""


def add_database(parser: argparse.ArgumentParser) -> None:
    """`--database URL`."""
    parser.add_argument(
        "--database", metavar="URL", help="the ledger (default: CALLISI_DATABASE, else sqlite:///callisi.db)"
    )


def add_since(parser: argparse.ArgumentParser, what: str) -> None:
    """`--since TIME`."""
    parser.add_argument(
        "--since", metavar="TIME", help=f"{what} since then: 90m, 24h, 7d, 2026-11-23, 2026-11-23T14:30"
    )


def read_settings() -> Settings:
    """The settings of this process."""
    from callisi_runtime.settings import Settings, read_environment

    return Settings.from_environ(read_environment())


def database_url(args: argparse.Namespace, settings: Settings) -> str:
    """The URL that the command line names, else the environment's."""
    return str(args.database or settings.callisi_database)


def with_ledger(url: str, work: Callable[[Ledger], Awaitable[T]], *, create: bool = False) -> T:
    """Open the ledger, do the work, close it.

    Args:
        url: The database.
        work: Gets the open ledger.
        create: Whether a file that does not exist is made. Commands that look at something would show nothing.

    Raises:
        CallisiError: There is no such database, or it does not answer.
    """
    from callisi_runtime.ledger import ledger_at

    if not create:
        require_file(url)
    ledger = ledger_at(url)

    async def run() -> T:
        try:
            await ledger.open()
            return await work(ledger)
        finally:
            await ledger.close()

    return asyncio.run(run())


def require_file(url: str) -> None:
    """Raise CallisiError when the URL is that of a SQLite file which does not exist."""
    file = sqlite_file(url)
    if file is not None and not file.is_file():
        raise CallisiError(
            Problem(
                "there is no ledger yet",
                code="no-ledger",
                got=shown_url(url),
                hint="the first call makes it; if it lies elsewhere, set CALLISI_DATABASE (or --database) to"
                " sqlite:////its/whole/path.db or postgresql://user@host/name",
            )
        )


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite URL; None for a server's database, or one in memory."""
    from callisi_runtime.ledger.engine import in_memory, parse_url

    parsed = parse_url(url)
    if parsed.get_backend_name() != "sqlite" or in_memory(parsed):
        return None
    return Path(parsed.database or "")


def shown_url(url: str) -> str:
    """The URL without its password."""
    from callisi_runtime.ledger.engine import parse_url

    return parse_url(url).render_as_string(hide_password=True)


def moment(text: str | None, now: float | None = None) -> float:
    """What `--since` means, in Unix seconds; 0 when it is left out.

    Raises:
        UsageError: It is neither a span nor a date.
    """
    if text is None:
        return 0.0
    span = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text.strip())
    if span is not None:
        return (time.time() if now is None else now) - float(span[1]) * UNITS[span[2]]
    try:
        return datetime.fromisoformat(text.strip()).astimezone().timestamp()
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"--since {text!r} is no time; write it as 90m, 24h, 7d, 2026-11-23 or 2026-11-23T14:30"
        ) from None


def clock_time(unix: float | None) -> str | None:
    """A moment as this machine's clock shows it; None stays None."""
    return None if unix is None else datetime.fromtimestamp(unix).strftime("%Y-%m-%d %H:%M:%S")


def iso_time(unix: float | None) -> str | None:
    """A moment for machines: ISO 8601 with its offset."""
    return None if unix is None else datetime.fromtimestamp(unix).astimezone().isoformat(timespec="seconds")


def seconds_of(began: float, ended: float | None) -> str | None:
    """How long something took, `1:05`; None while it goes on."""
    return None if ended is None else f"{int(ended - began) // 60}:{int(ended - began) % 60:02}"


def one_of(wanted: str, known: Sequence[str]) -> str | None:
    """The id that is meant: itself, or the only one that begins like this; None when there is none."""
    if wanted in known:
        return wanted
    begin = [one for one in known if one.startswith(wanted)]
    return begin[0] if len(begin) == 1 else None


def not_found(what: str, wanted: str, known: Sequence[str], command: str) -> CallisiError:
    """The error for an id that is not there, with those that look like it."""
    near = [one for one in known if one.startswith(wanted)][:5] or difflib.get_close_matches(
        wanted, known[:2000], n=3, cutoff=0.8
    )
    hint = f"did you mean {', '.join(f'`{one}`' for one in near)}?" if near else f"`{command}` lists them"
    return CallisiError(Problem(f"there is no such {what}", code=f"no-{what}", got=wanted, hint=hint))

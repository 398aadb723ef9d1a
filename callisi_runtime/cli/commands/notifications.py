"""Show the messages to staff: where each stands, on which channel, and why it is not further.

--dead shows those that reached nobody; `callisi redrive ID` sends one again. Addresses are masked unless --numbers
is given.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from callisi_runtime.cli.books import (
    add_database,
    add_since,
    clock_time,
    database_url,
    moment,
    read_settings,
    with_ledger,
)
from callisi_runtime.cli.output import count, print_json
from callisi_runtime.cli.tables import table
from callisi_runtime.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callisi_runtime.ledger import AttemptRow, Ledger, NoteRow

    Listed = list[tuple[NoteRow, Sequence[AttemptRow]]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Read by `callisi notifications --help`."""
    parser.add_argument("--dead", action="store_true", help="only those that reached nobody")
    add_since(parser, "notifications written")
    parser.add_argument("--limit", type=int, default=50, metavar="N", help="the newest N (50)")
    parser.add_argument("--numbers", action="store_true", help="show addresses unmasked")
    add_database(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Exit code 0 whatever is found; `callisi doctor` fails when something is dead."""
    since, url = moment(args.since), database_url(args, read_settings())
    show(with_ledger(url, lambda ledger: listed(ledger, args.dead, since, args.limit)), args)
    return ExitCode.OK


async def listed(ledger: Ledger, dead: bool, since: float, limit: int) -> Listed:
    """The newest notifications with their history."""
    rows = await ledger.notifications(dead=dead, since=since, limit=limit)
    return [(row, await ledger.attempts(row.note.id)) for row in rows]


def show(found: Listed, args: argparse.Namespace) -> None:
    """A table, or `{"ok", "notifications"}`."""
    from callisi_runtime.cli.documents import note_document, shown_address

    if args.json:
        documents = [note_document(row, attempts, numbers=args.numbers) for row, attempts in found]
        print_json({"ok": True, "notifications": documents})
        return
    if not found:
        print("no dead notifications" if args.dead else "no notifications")
        return
    cells = [
        (
            row.note.id,
            clock_time(row.note.created),
            row.state,
            f"{row.at.channel} ({row.step + 1} of {len(row.note.route)})",
            shown_address(row.at.to, numbers=args.numbers),
            len(attempts),
            why(row),
        )
        for row, attempts in found
    ]
    print(table(("NOTIFICATION", "WRITTEN", "STATE", "CHANNEL", "TO", "DONE", "WHY"), cells))
    if len(found) == args.limit:
        print(f"\nthe newest {count(args.limit, 'notification')}; --limit shows more")


def why(row: NoteRow) -> str | None:
    """What holds it up, or what it waits for."""
    if row.state == "waiting":
        return "taken by the provider, its report is awaited"
    if row.state == "armed":
        return f"goes out by itself at {clock_time(row.due)} unless the call settles it"
    return row.error

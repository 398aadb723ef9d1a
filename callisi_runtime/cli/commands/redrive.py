"""Send a dead notification again, from its first channel. ID may be the beginning of an id, or the call's id.

A sender must run: the worker's, or `callisi deliver`.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from callisi_runtime.cli.books import (
    add_database,
    database_url,
    not_found,
    one_of,
    read_settings,
    with_ledger,
)
from callisi_runtime.cli.output import print_json
from callisi_runtime.errors import CallisiError, ExitCode, Problem

if TYPE_CHECKING:
    from callisi_runtime.ledger import Ledger, NoteRow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Read by `callisi redrive --help`."""
    parser.add_argument("id", metavar="ID", help="a notification that `callisi notifications --dead` lists")
    add_database(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Exit code 1 when there is no such notification, or it is not dead."""
    from callisi_runtime.cli.documents import note_document

    row = with_ledger(database_url(args, read_settings()), lambda ledger: redrive(ledger, args.id))
    if args.json:
        print_json({"ok": True, "notification": note_document(row, numbers=False)})
    else:
        print(
            f"{row.note.id} is due again, on {row.at.channel} first; the worker or `callisi deliver` sends it"
        )
    return ExitCode.OK


async def redrive(ledger: Ledger, wanted: str) -> NoteRow:
    """Start it over.

    Raises:
        CallisiError: There is none of that id, or it is not dead.
    """
    row = await meant(ledger, wanted)
    if not await ledger.redrive(row.note.id):
        raise CallisiError(
            Problem(
                "this notification is not dead, so nothing was changed",
                code="not-dead",
                got=row.state,
                hint="`callisi notifications --dead` lists those that are",
            )
        )
    changed = await ledger.notification(row.note.id)
    return changed if changed is not None else row


async def meant(ledger: Ledger, wanted: str) -> NoteRow:
    """The notification of that id; of that call, when it has only one that is dead."""
    from callisi_runtime.cli.documents import known_ids

    row = await ledger.notification(wanted)
    if row is not None:
        return row
    dead = await ledger.notifications(dead=True, call_id=wanted)
    if len(dead) == 1:
        return dead[0]
    known = await known_ids(ledger, "note")
    single = one_of(wanted, known)
    row = await ledger.notification(single) if single else None
    if row is None:
        raise not_found("notification", wanted, known, "callisi notifications")
    return row

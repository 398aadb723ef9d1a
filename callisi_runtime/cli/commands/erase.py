"""Delete what is stored about a caller. Without --apply nothing is deleted; it says what would be.

A call that somebody still has to answer is kept without its words until it has been; run it again then.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from callisi_runtime.cli.books import add_database, database_url, read_settings, with_ledger
from callisi_runtime.cli.commands.export import caller_number
from callisi_runtime.cli.output import count, print_json
from callisi_runtime.errors import ExitCode

if TYPE_CHECKING:
    from callisi_runtime.ledger import Ledger
    from callisi_runtime.ledger.retention import Erasure


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Read by `callisi erase --help`."""
    parser.add_argument("caller", metavar="CALLER", help="the caller's number: +49 171 3920011, 0171/3920011")
    parser.add_argument("--apply", action="store_true", help="delete; without it nothing is changed")
    add_database(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Exit code 0; `kept` names the calls that an open promise still needs."""
    from callisi_runtime.ledger.retention import erase_caller, export_caller

    caller, url = caller_number(args.caller), database_url(args, read_settings())

    async def work(ledger: Ledger) -> tuple[int, Erasure | None]:
        stored = await export_caller(ledger, caller)
        return len(stored), await erase_caller(ledger, caller) if args.apply else None

    stored, done = with_ledger(url, work)
    if args.json:
        print_json(
            {
                "ok": True,
                "applied": done is not None,
                "stored": stored,
                "erased": list(done.erased) if done else [],
                "kept": list(done.kept) if done else [],
            }
        )
    else:
        print(report(stored, done))
    return ExitCode.OK


def report(stored: int, done: Erasure | None) -> str:
    """What became of it, in sentences."""
    if not stored:
        return "nothing is stored about this caller"
    if done is None:
        return f"{count(stored, 'call')} of this caller stored; `--apply` deletes what no open promise needs"
    lines = [f"{count(len(done.erased), 'call')} deleted"]
    if done.kept:
        lines.append(
            f"{count(len(done.kept), 'call')} kept without words, because somebody still has to call back: "
            + ", ".join(done.kept)
        )
    return "\n".join(lines)

"""Everything that is stored about a caller, as JSON: for a caller who asks what is known about them.

CALLER is a telephone number as anybody writes it. What providers keep (Twilio: 400 days by default) is not in it.
"""

from __future__ import annotations

import argparse

from callisi_runtime.cli.books import add_database, database_url, read_settings, with_ledger
from callisi_runtime.cli.output import print_json
from callisi_runtime.errors import ExitCode, UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Read by `callisi export --help`."""
    parser.add_argument("caller", metavar="CALLER", help="the caller's number: +49 171 3920011, 0171/3920011")
    add_database(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Prints one JSON document, with --json or without."""
    from callisi_runtime.ledger.retention import export_caller

    caller = caller_number(args.caller)
    calls = with_ledger(database_url(args, read_settings()), lambda ledger: export_caller(ledger, caller))
    print_json({"ok": True, "caller": caller, "calls": calls})
    return ExitCode.OK


def caller_number(text: str) -> str:
    """The E.164 form of a number on the command line.

    Raises:
        UsageError: It is none. A caller without a number is found by the call's id only.
    """
    from callisi_runtime.phone import normalise

    number = normalise(text).e164
    if number is None:
        raise UsageError("CALLER is no telephone number; write it with its country code: +49 171 3920011")
    return number

"""Show Twilio's records of calls, messages or alerts, joined with the ledger by call sid and message sid.

Prices are Twilio's own; a record that is not rated yet has none. Numbers are masked unless --numbers is given.
With --follow, each new row is printed once, a call when it is over, until Ctrl-C; with --json one document a line.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from callisi_runtime.cli.books import (
    add_database,
    add_since,
    database_url,
    moment,
    read_settings,
    require_file,
    with_ledger,
)
from callisi_runtime.cli.output import count, print_json
from callisi_runtime.cli.tables import table
from callisi_runtime.errors import CallisiError, ExitCode

if TYPE_CHECKING:
    from twilio.rest import Client

    from callisi_runtime.carrier.own import Own
    from callisi_runtime.carrier.records import CarrierAlert
    from callisi_runtime.cli.log_rows import Record

KINDS = ("calls", "messages", "alerts")
USUAL_SINCE = "24h"
MOST_ALERTS = 1000
LOOK_BACK = 4 * 3600.0
"""Seconds: a call that is over now may have begun so long ago."""
LEDGER_LEAD = 24 * 3600.0
"""Seconds by which a notification may be older than the message that was sent for it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Read by `callisi logs --help`."""
    parser.add_argument("kind", choices=KINDS, help="what to show")
    add_since(parser, f"(default: {USUAL_SINCE}) records")
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="the newest N records (100)")
    parser.add_argument("--follow", action="store_true", help="go on, and print what is new")
    parser.add_argument(
        "--every", type=float, default=5.0, metavar="SECONDS", help="with --follow: between two looks (5)"
    )
    parser.add_argument("--numbers", action="store_true", help="show telephone numbers unmasked")
    add_database(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Exit code 1 when Twilio cannot be asked; 130 when --follow is interrupted."""
    from callisi_runtime.carrier.ask import client_of

    settings = read_settings()
    since, url = moment(args.since or USUAL_SINCE), database_url(args, settings)
    client = client_of(settings)
    try:
        if args.follow:
            follow(client, args, since, url)
        found = read(client, args.kind, since, args.limit)
        show(found, own_records(url, since), args)
    finally:
        client.http_client.session.close()
    return ExitCode.OK


Found = list[tuple["Record", list["CarrierAlert"]]]


def read(client: Client, kind: str, since: float, limit: int) -> Found:
    """The newest records of this kind, each with the alerts that are about it."""
    from callisi_runtime.carrier import records
    from callisi_runtime.carrier.ask import asked

    sources: dict[str, Callable[[Client, float], Iterator[Any]]] = {
        "calls": records.calls,
        "messages": records.messages,
        "alerts": records.alerts,
    }
    found: list[Record] = asked(client, lambda it: records.newest(sources[kind](it, since), limit))
    if kind == "alerts":
        return [(one, []) for one in found]
    alerts = asked(client, lambda it: records.newest(records.alerts(it, since), MOST_ALERTS)) if found else []
    return [(one, [alert for alert in alerts if alert.about == one.sid]) for one in found]


def own_records(url: str, since: float) -> Own | None:
    """What the ledger knows of them; None where there is no ledger."""
    from callisi_runtime.carrier.own import own_since

    try:
        require_file(url)
    except CallisiError:
        return None
    return with_ledger(url, lambda ledger: ledger.read(own_since, since - LEDGER_LEAD))


def show(found: Found, own: Own | None, args: argparse.Namespace) -> None:
    """A table, or `{"ok", "kind", "ledger", "entries"}`."""
    from callisi_runtime.carrier.own import Own
    from callisi_runtime.cli.log_rows import HEADS, cells, document

    known = own or Own()
    documents = [document(one, known, alerts, numbers=args.numbers) for one, alerts in found]
    if args.json:
        print_json({"ok": True, "kind": args.kind, "ledger": own is not None, "entries": documents})
        return
    if not found:
        print(f"no {args.kind}")
        return
    rows = [cells(one, shown) for (one, _), shown in zip(found, documents, strict=True)]
    print(table(HEADS[args.kind], rows))
    if own is None:
        print("\nthere is no ledger here: which of them are ours is not known")
    if len(found) == args.limit:
        print(f"\nthe newest {count(args.limit, args.kind[:-1])}; --limit shows more")


def follow(client: Client, args: argparse.Namespace, since: float, url: str) -> None:
    """Look again and again. Ends with KeyboardInterrupt, or when Twilio refuses what will not pass by itself."""
    from callisi_runtime.carrier.ask import NotAnswered

    shown: set[str] = set()
    while True:
        try:
            found = read(
                client, args.kind, max(since, time.time() - LOOK_BACK) if shown else since, args.limit
            )
        except NotAnswered as error:
            if not error.passes:
                raise
            print(f"{error}; looking again in {args.every:g} s", file=sys.stderr)
        else:
            fresh = [(one, alerts) for one, alerts in reversed(found) if one.over and one.sid not in shown]
            if fresh:
                tell(fresh, own_records(url, since), args)
            shown |= {one.sid for one, _ in fresh}
        time.sleep(args.every)


def tell(fresh: Found, own: Own | None, args: argparse.Namespace) -> None:
    """One line for each record, the oldest first."""
    from callisi_runtime.carrier.own import Own
    from callisi_runtime.cli.log_rows import cells, document
    from callisi_runtime.cli.tables import GAP, cell_text

    for one, alerts in fresh:
        shown = document(one, own or Own(), alerts, numbers=args.numbers)
        if args.json:
            print(json.dumps(shown, ensure_ascii=False), flush=True)
        else:
            print(GAP.join(map(cell_text, cells(one, shown))), flush=True)

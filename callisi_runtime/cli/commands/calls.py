"""Show calls: a list, or one with its timeline, its notifications and, where it is kept, its transcript.

ID may be the beginning of an id. Numbers are masked unless --numbers is given.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from callisi_runtime.cli.books import (
    add_database,
    add_since,
    clock_time,
    database_url,
    moment,
    not_found,
    one_of,
    read_settings,
    seconds_of,
    with_ledger,
)
from callisi_runtime.cli.output import count, print_json
from callisi_runtime.cli.tables import pairs, table
from callisi_runtime.errors import ExitCode

if TYPE_CHECKING:
    from callisi_runtime.cli.documents import Promise, WholeCall
    from callisi_runtime.ledger import CallRow, Ledger


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Read by `callisi calls --help`."""
    parser.add_argument("id", nargs="?", metavar="ID", help="one call, with everything that is known of it")
    add_since(parser, "calls that began")
    parser.add_argument("--open", action="store_true", help="only calls with a promise that is still open")
    parser.add_argument("--limit", type=int, default=50, metavar="N", help="the newest N calls (50)")
    parser.add_argument("--numbers", action="store_true", help="show telephone numbers unmasked")
    add_database(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Exit code 1 when there is no such call, or no ledger."""
    since, url = moment(args.since), database_url(args, read_settings())
    if args.id is not None:
        whole = with_ledger(url, lambda ledger: find(ledger, args.id))
        show_one(whole, args)
    else:
        show_list(with_ledger(url, lambda ledger: recent(ledger, since, args.limit, args.open)), args)
    return ExitCode.OK


async def recent(
    ledger: Ledger, since: float, limit: int, only_open: bool
) -> list[tuple[CallRow, Promise | None]]:
    """The newest calls with their promises."""
    from callisi_runtime.cli.books import EVERYTHING
    from callisi_runtime.cli.documents import promises

    rows = await ledger.calls(since=since, limit=EVERYTHING if only_open else limit)
    known = await promises(ledger, [row.id for row in rows])
    found = [(row, known.get(row.id)) for row in rows]
    if only_open:
        found = [(row, one) for row, one in found if one is not None and one.closed is None]
    return found[:limit]


async def find(ledger: Ledger, wanted: str) -> WholeCall:
    """One call by its id, or by the beginning of it.

    Raises:
        CallisiError: There is none, or there are several.
    """
    from callisi_runtime.cli.documents import known_ids, whole_call

    row = await ledger.call(wanted)
    if row is None:
        known = await known_ids(ledger, "call")
        meant = one_of(wanted, known)
        row = await ledger.call(meant) if meant else None
        if row is None:
            raise not_found("call", wanted, known, "callisi calls")
    return await whole_call(ledger, row)


def show_list(rows: list[tuple[CallRow, Promise | None]], args: argparse.Namespace) -> None:
    """A table, or `{"ok", "calls"}`."""
    from callisi_runtime.cli.documents import call_document, shown_number

    if args.json:
        documents = [call_document(row, promise, numbers=args.numbers) for row, promise in rows]
        print_json({"ok": True, "calls": documents})
        return
    if not rows:
        print("no calls")
        return
    cells = [
        (
            row.id,
            clock_time(row.started),
            seconds_of(row.started, row.ended) or "goes on",
            row.agent,
            shown_number(row.caller, numbers=args.numbers) or "hidden",
            row.outcome or row.phase,
            standing(promise) + calls_back(promise, numbers=args.numbers),
        )
        for row, promise in rows
    ]
    print(table(("CALL", "BEGAN", "TOOK", "AGENT", "CALLER", "OUTCOME", "PROMISE"), cells))
    if len(rows) == args.limit:
        print(f"\nthe newest {count(args.limit, 'call')}; --limit shows more")


def standing(promise: Promise | None) -> str:
    """How an obligation stands, in two words."""
    if promise is None:
        return "-"
    return "OPEN" if promise.closed is None else f"kept: {(promise.evidence or '').replace('_', ' ')}"


def calls_back(promise: Promise | None, *, numbers: bool) -> str:
    """Who of the staff has taken the callback over, after how it stands."""
    from callisi_runtime.cli.documents import shown_person

    who = shown_person(promise.claimed_by, numbers=numbers) if promise is not None else None
    return f", {who} calls back" if who else ""


def show_one(whole: WholeCall, args: argparse.Namespace) -> None:
    """Everything about one call, or `{"ok", "call"}`."""
    from callisi_runtime.cli.documents import whole_document

    document = whole_document(whole, numbers=args.numbers)
    if args.json:
        print_json({"ok": True, "call": document})
        return
    row = whole.call
    print(
        pairs(
            [
                ("call", row.id),
                ("agent", row.agent),
                ("caller", document["caller"] or "hidden"),
                ("began", clock_time(row.started)),
                ("took", seconds_of(row.started, row.ended) or "goes on"),
                ("outcome", row.outcome or "not known yet"),
                ("promise", standing(whole.promise)),
                ("calls back", (document["obligation"] or {}).get("claimed_by")),
                ("processes", row.epoch + 1 if row.epoch else None),
            ]
        )
    )
    print("\n" + table(("AFTER", "WHAT", ""), moments(whole)))
    for line in row.transcript or ():
        if isinstance(line, dict):
            print(("\n" if line is (row.transcript or [None])[0] else "") + spoken(line))


def moments(whole: WholeCall) -> list[tuple[str, str, str]]:
    """Everything that has a time, in order: the call's own timeline, its promise, its notifications."""
    began = whole.call.started
    found: list[tuple[float, str, str]] = [(0.0, "call began", "")]
    found += [(one.at, one.kind, details(one.data)) for one in whole.timeline]
    for note in whole.notes:
        found.append(
            (note.note.created - began, "notification written", f"{note.note.id}, ref {note.note.reference}")
        )
        for one in whole.attempts.get(note.note.id, ()):
            found.append((one.at - began, f"{one.channel} {one.what}", one.info or ""))
    if whole.call.ended is not None:
        found.append((whole.call.ended - began, "call ended", whole.call.outcome or ""))
    if whole.promise is not None and whole.promise.closed is not None:
        found.append((whole.promise.closed - began, "promise kept", standing(whole.promise)[6:]))
    return [(f"{at:.1f} s", what, more) for at, what, more in sorted(found, key=lambda one: one[0])]


def details(data: Any) -> str:
    """`leg=human-1 target=0`."""
    return " ".join(f"{name}={value}" for name, value in data.items())


def spoken(line: dict[str, Any]) -> str:
    """`12.3 s  agent: Guten Tag ...`."""
    return f"{float(line.get('at', 0.0)):7.1f} s  {line.get('who', '?')}: {line.get('text', '')}"

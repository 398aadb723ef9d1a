"""Say what happened on one call, step by step, and what probably went wrong.

Asked are the ledger, Twilio (its legs, its messages, alerts about them) and LiveKit (its room, the outbound trunks).
Whoever cannot be asked is named. CALL may be the beginning of an id.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from callisi_runtime.cli.books import add_database, database_url, read_settings, with_ledger
from callisi_runtime.cli.output import print_json
from callisi_runtime.cli.tables import table
from callisi_runtime.errors import ExitCode

if TYPE_CHECKING:
    from callisi_runtime.ledger import Ledger
    from callisi_runtime.rca.causes import Cause
    from callisi_runtime.rca.evidence import Evidence
    from callisi_runtime.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Read by `callisi rca --help`."""
    parser.add_argument("call", metavar="CALL", help="the call's id; `callisi calls` lists them")
    add_database(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Exit code 1 when there is no such call, or no ledger; what went wrong on the call does not count."""
    from callisi_runtime.rca.causes import causes_of

    settings = read_settings()
    found = with_ledger(database_url(args, settings), lambda ledger: all_about(ledger, args.call, settings))
    causes = causes_of(found)
    if args.json:
        print_json(document(found, causes))
    else:
        print(as_text(found, causes))
    return ExitCode.OK


async def all_about(ledger: Ledger, wanted: str, settings: Settings) -> Evidence:
    """The call by its id, with everything that can be known of it now."""
    from callisi_runtime.carrier.own import of_call
    from callisi_runtime.cli.commands.calls import find
    from callisi_runtime.rca.evidence import Evidence
    from callisi_runtime.rca.gather import gather

    whole = await find(ledger, wanted)
    known = Evidence(
        whole.call,
        whole.promise is not None and whole.promise.closed is None,
        whole.timeline,
        whole.notes,
        whole.attempts,
    )
    return await gather(known, await ledger.read(of_call, whole.call.id, whole.call.started), settings)


def document(found: Evidence, causes: list[Cause]) -> dict[str, object]:
    """`{"ok", "call", "agent", "outcome", "promise", "steps", "causes", "not_asked"}`."""
    from callisi_runtime.rca.story import story_of

    return {
        "ok": True,
        "call": found.call.id,
        "agent": found.call.agent,
        "outcome": found.call.outcome,
        "promise": "open" if found.promise_open else "closed",
        "steps": [one.as_dict() for one in story_of(found)],
        "causes": [one.as_dict() for one in causes],
        "not_asked": list(found.not_asked),
    }


def as_text(found: Evidence, causes: list[Cause]) -> str:
    """The steps as a table, then the likeliest cause, then who was not asked."""
    from callisi_runtime.rca.story import story_of

    rows = [(f"{one.at:.1f} s", one.source, one.what) for one in story_of(found)]
    promise = "the caller is still owed something" if found.promise_open else "nothing is owed to the caller"
    parts = [
        f"{found.call.id}: {found.call.outcome or 'not over'}; {promise}",
        table(("AFTER", "WHO", "WHAT"), rows),
    ]
    if causes:
        first, *more = causes
        parts.append(f"most likely: {first.what}\n  because: {first.because}\n  mend: {first.mend}")
        parts += (
            ["\n".join(["also:", *(f"  {one.what}; {one.because}; {one.mend}" for one in more)])]
            if more
            else []
        )
    else:
        parts.append("nothing went wrong, as far as this shows")
    if found.not_asked:
        parts.append("\n".join(["not asked:", *(f"  {one}" for one in found.not_asked)]))
    return "\n\n".join(parts)

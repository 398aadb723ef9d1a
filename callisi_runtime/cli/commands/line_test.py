"""Try your own line with your own telephone: it says what to do, watches, and tells whether the caller was served.

Start the worker first (`callisi-run AGENT`); both must use the same ledger (CALLISI_DATABASE).
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from callisi_runtime.cli.output import print_json
from callisi_runtime.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from callisi_runtime.ledger.values import EventRow
    from callisi_runtime.linetest import Case, Verdict
    from callisi_runtime.settings import Settings
    from callisi_runtime.spec import AgentSpec

TOLD = {
    "event.Arrived": "a call comes in",
    "effect.Dial": "the staff's telephone is dialled",
    "event.LegRinging": "it rings",
    "event.LegAnswered": "somebody, or something, picked up",
    "event.KeyPressed": "a key",
    "effect.Bridge": "both hear each other",
    "event.LegFailed": "the dial came to nothing",
    "event.LegLeft": "the staff's telephone hung up",
    "effect.Drop": "the staff's telephone is ended",
    "event.NoteAccepted": "the message was accepted",
    "event.NoteFailed": "the message was refused by every channel",
    "event.CallerLeft": "the caller hung up",
    "effect.HangUp": "the call is ended",
}
"""The moments that are shown."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Read by `callisi line-test --help`."""
    parser.add_argument("agent", metavar="AGENT", help="the agent file that the worker runs")
    parser.add_argument("--only", metavar="CASE", action="append", help="only this case; may be given again")
    parser.add_argument(
        "--patience", type=float, default=180.0, metavar="SECONDS", help="for each call (180)"
    )


def run(args: argparse.Namespace) -> ExitCode:
    """Exit code 1 when a caller would not have been served as the file says."""
    from callisi_runtime.checks import load_agent
    from callisi_runtime.linetest import cases_for
    from callisi_runtime.plan import flow_plan
    from callisi_runtime.settings import Settings, read_environment

    environ = read_environment()
    spec = load_agent(args.agent, environ).value
    cases = chosen(cases_for(flow_plan(spec)), args.only)
    verdicts = asyncio.run(try_all(cases, spec, Settings.from_environ(environ), args))
    served = all(verdict.right for verdict in verdicts)
    if args.json:
        print_json({"ok": served, "cases": [verdict.as_dict() for verdict in verdicts]})
    else:
        right = sum(verdict.right for verdict in verdicts)
        print(f"\n{right} of {len(verdicts)} calls went as they should")
    return ExitCode.OK if served else ExitCode.USER_ERROR


def chosen(cases: tuple[Case, ...], names: list[str] | None) -> tuple[Case, ...]:
    """The cases of these names.

    Raises:
        UsageError: there is no such case.
    """
    known = {case.name: case for case in cases}
    for name in names or ():
        if name not in known:
            raise UsageError(f"there is no case {name!r} for this agent; there are {', '.join(known)}")
    return tuple(known[name] for name in names) if names else cases


async def try_all(
    cases: tuple[Case, ...], spec: AgentSpec, settings: Settings, args: argparse.Namespace
) -> list[Verdict]:
    """One call after the other."""
    from callisi_runtime.ledger import Ledger
    from callisi_runtime.linetest import LineTest

    out = sys.stderr if args.json else sys.stdout
    ledger = Ledger(settings.callisi_database)
    await ledger.open()

    def show(moment: EventRow) -> None:
        if moment.kind in TOLD:
            print(f"  {moment.at:6.1f} s  {TOLD[moment.kind]}{detail(moment)}", file=out, flush=True)

    test = LineTest(ledger, spec.name, show)
    verdicts = []
    try:
        for number, case in enumerate(cases, start=1):
            print(f"\n{number}/{len(cases)} {case.name}: {case.instruction}", file=out, flush=True)
            verdict = await test.watch(case, args.patience)
            verdicts.append(verdict)
            print("  served, as it should be" if verdict.right else "  NOT as it should be", file=out)
            for problem in verdict.problems:
                print(f"    {problem}", file=out, flush=True)
    finally:
        await ledger.close()
    return verdicts


def detail(moment: EventRow) -> str:
    """What else is worth saying of a moment."""
    if moment.kind == "event.LegFailed":
        return f": {str(moment.data.get('outcome', '')).replace('_', ' ')}"
    if moment.kind == "event.KeyPressed":
        who = "the staff's telephone" if moment.data.get("leg") else "the caller's"
        return f" on {who}: {moment.data.get('key')}"
    if moment.kind == "event.NoteAccepted":
        return f" by {moment.data.get('channel')}"
    return ""

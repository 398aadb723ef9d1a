"""Play thousands of calls against the real machine, ledger and sender, in virtual time.

Telephones, callers, providers and crashes behave at random, decided by --seed. It counts callers who were lost,
sentences that were not true, messages that went out twice and dials that were one too many; docs/ledger.md says exactly
what each means. The same seed plays the same calls; --only plays one of them and prints its course. Nothing is dialled
or sent.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from callisi_runtime.cli.output import count, print_json
from callisi_runtime.errors import CallisiError, ExitCode, Problem, UsageError

if TYPE_CHECKING:
    from callisi_runtime.simulate import Report

SHOWN = 20
"""Findings that are printed; --json has them all."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Read by `callisi simulate --help`."""
    parser.add_argument("agent", metavar="AGENT", help="an agent file: agents/clara.yaml")
    parser.add_argument("--calls", type=int, default=1000, metavar="N", help="how many (1000)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="which calls (1)")
    parser.add_argument(
        "--only", type=int, metavar="CALL", help="play one call of the seed and print its course"
    )
    parser.add_argument("--jobs", type=int, metavar="N", help="processes (one per core)")
    parser.add_argument(
        "--database", metavar="URL", help="an empty ledger to use; a temporary file when left out"
    )


def run(args: argparse.Namespace) -> ExitCode:
    """Exit code 1 when an expectation does not hold."""
    from callisi_runtime.checks import load_agent
    from callisi_runtime.plan import make_plan
    from callisi_runtime.settings import Settings, read_environment
    from callisi_runtime.simulate import simulate

    if args.calls < 1 or (args.only is not None and args.only < 0):
        raise UsageError("--calls is 1 or more, --only 0 or more")
    environ = read_environment()
    plan = make_plan(load_agent(args.agent, environ).value, Settings.from_environ(environ))
    if args.database is not None:
        require_empty(args.database)
    report = simulate(
        plan,
        args.calls,
        args.seed,
        database=args.database,
        only=args.only,
        jobs=args.jobs or os.cpu_count() or 1,
        progress=None if args.json or not sys.stderr.isatty() else tell,
    )
    if args.json:
        print_json(report.as_dict())
    else:
        show(report, course=args.only is not None)
    return ExitCode.USER_ERROR if report.broken() else ExitCode.OK


def require_empty(url: str) -> None:
    """Simulated calls must not stand among real ones.

    Raises:
        CallisiError: There are calls in this ledger.
    """
    from callisi_runtime.cli.books import shown_url, with_ledger

    if with_ledger(url, lambda ledger: ledger.calls(limit=1), create=True):
        raise CallisiError(
            Problem(
                "this ledger has calls in it",
                code="not-empty",
                got=shown_url(url),
                hint="simulated calls belong into an empty one; leave --database out for a temporary file",
            )
        )


def tell(done: int) -> None:
    """Progress on a terminal."""
    sys.stderr.write(f"\r{count(done, 'call')} played ")
    sys.stderr.flush()


def show(report: Report, *, course: bool) -> None:
    """The numbers, then what went wrong and how to see it again."""
    if course:
        for at, what in report.story:
            print(f"{at:9.1f} s  {what}")
        print()
    happened = ", ".join(f"{number} {what}" for what, number in sorted(report.counts.items()) if number)
    print(f"{report.agent}: {count(report.calls, 'call')}, seed {report.seed}, {report.seconds:.1f} s")
    print(f"  {happened}")
    for words, number in (
        ("lost callers", len(report.of("lost_caller"))),
        ("false statements", len(report.of("false_statement"))),
        ("duplicate messages", len(report.of("duplicate_message"))),
        ("duplicate dials", len(report.of("duplicate_dial"))),
        ("exceptions", len(report.of("stumble"))),
    ):
        print(f"  {number:6}  {words}")
    for one in report.findings[:SHOWN]:
        print(f"\n{one.kind.replace('_', ' ')} in call {one.call}: {one.what}")
        if one.explanation:
            print(f"  because: {one.explanation}")
        print(f"  see it: callisi simulate AGENT --seed {one.seed} --only {one.call}")
    if len(report.findings) > SHOWN:
        print(f"\n{len(report.findings) - SHOWN} more; --json has them all")
    broken = report.broken()
    print("\n" + (f"not as it must be: {'; '.join(broken)}" if broken else "nobody was lost"))

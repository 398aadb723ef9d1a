"""Check the set-up: files, accounts, trunks, keys, the worker, and what the ledger says. Nothing is changed.

With AGENT, what this agent needs is looked at as well. Each finding names the command or the setting that mends it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from callisi_runtime.cli.output import count, print_json
from callisi_runtime.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from callisi_runtime.doctor import Result

    Found = Mapping[str, Sequence[Result]]

WORDS = {"ok": "ok", "warning": "warn", "problem": "FAIL", "skipped": "-"}
COLOURS = {"ok": "32", "warning": "33", "problem": "31", "skipped": "2"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Read by `callisi doctor --help`."""
    parser.add_argument("agent", nargs="?", metavar="AGENT", help="an agent file: agents/clara.yaml")


def run(args: argparse.Namespace) -> ExitCode:
    """Exit code 1 when there is a problem: dead messages are one."""
    from callisi_runtime.doctor import Patient, examine
    from callisi_runtime.settings import read_environment

    async def look() -> Found:
        return await examine(Patient(read_environment(), args.agent))

    found = asyncio.run(look())
    problems = sum(one.state == "problem" for results in found.values() for one in results)
    if args.json:
        checks = [one.as_dict(name) for name, results in found.items() for one in results]
        print_json({"ok": not problems, "checks": checks})
    else:
        show(found)
        warnings = sum(one.state == "warning" for results in found.values() for one in results)
        print("\n" + summary(problems, warnings))
    return ExitCode.USER_ERROR if problems else ExitCode.OK


def show(found: Found) -> None:
    """One line for each finding, and under it what mends it."""
    colour = sys.stdout.isatty()
    widest = max(map(len, found))
    for name, results in found.items():
        for number, one in enumerate(results):
            word = f"{WORDS[one.state]:4}"
            word = f"\x1b[{COLOURS[one.state]}m{word}\x1b[0m" if colour else word
            print(f"{word}  {name if not number else '':{widest}}  {one.what}")
            if one.mend:
                print(f"      {'':{widest}}  -> {one.mend}")


def summary(problems: int, warnings: int) -> str:
    """The last line."""
    if not problems and not warnings:
        return "all is well"
    return ", ".join(
        text
        for number, text in ((problems, count(problems, "problem")), (warnings, count(warnings, "warning")))
        if number
    )

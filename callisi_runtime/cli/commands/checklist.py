"""Show the set-up guide's completion checklist for an agent, each tick verified just now.

Accounts, trunk and configuration are looked at as by `callisi doctor`; what was tried on the line stands in the ledger.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING

from callisi_runtime.cli.output import print_json
from callisi_runtime.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callisi_runtime.doctor.checklist import Tick

BOXES = {"done": "[x]", "open": "[ ]", "not_needed": " - "}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Read by `callisi checklist --help`."""
    parser.add_argument("agent", metavar="AGENT", help="an agent file: agents/clara.yaml")


def run(args: argparse.Namespace) -> ExitCode:
    """Exit code 1 while a line is open."""
    from callisi_runtime.doctor import Patient
    from callisi_runtime.doctor.checklist import tick_off
    from callisi_runtime.settings import read_environment

    patient = Patient(read_environment(), args.agent)

    async def look() -> list[Tick]:
        return await tick_off(patient)

    ticks = asyncio.run(look())
    left = sum(one.state == "open" for one in ticks)
    if args.json:
        print_json({"ok": not left, "lines": [one.as_dict() for one in ticks]})
    else:
        show(ticks)
        print(
            "\n" + (f"{left} of {len(ticks)} lines are open" if left else "all is ticked: the line is ready")
        )
    return ExitCode.USER_ERROR if left else ExitCode.OK


def show(ticks: Sequence[Tick]) -> None:
    """One line each, under its heading."""
    heading, widest = "", max(len(one.text) for one in ticks)
    for one in ticks:
        if one.section != heading:
            heading = one.section
            print(f"\n{heading}")
        print(f"  {BOXES[one.state]} {one.text:{widest}}  {one.what}")
        if one.mend:
            print(f"      {'':{widest}}  -> {one.mend}")

"""Search for numbers that can be bought at Twilio: `callisi numbers search`. Nothing is bought.

To buy one: `callisi provision AGENT --apply --buy NUMBER`.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING

from callisi_runtime.cli.output import print_json
from callisi_runtime.errors import ExitCode

if TYPE_CHECKING:
    from callisi_runtime.provision.search import Offer
    from callisi_runtime.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Read by `callisi numbers --help`."""
    parser.add_argument("what", choices=("search",), help="what to do")
    parser.add_argument("--country", default="DE", metavar="DE", help="two letters (DE)")
    parser.add_argument("--type", default="mobile", help="local, mobile, national or toll-free (mobile)")
    parser.add_argument("--sms", action="store_true", help="only numbers that can send and receive SMS")
    parser.add_argument("--contains", metavar="DIGITS", help="only numbers with these digits")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="at most so many (20)")


def run(args: argparse.Namespace) -> ExitCode:
    """Print what there is; all of them take calls."""
    from callisi_runtime.settings import Settings, read_environment

    settings = Settings.from_environ(read_environment())
    found = asyncio.run(search(args, settings))
    if args.json:
        print_json({"ok": True, "numbers": [one.as_dict() for one in found]})
    else:
        show(args, found)
    return ExitCode.OK


async def search(args: argparse.Namespace, settings: Settings) -> list[Offer]:
    """Ask Twilio."""
    from callisi_runtime.provision.search import offers
    from callisi_runtime.provision.twilio_desk import TwilioDesk

    desk = TwilioDesk(settings, settings.callisi_patience_seconds, (0.5, 2.0))
    try:
        return await offers(
            desk, args.country.upper(), args.type, sms=args.sms, contains=args.contains, limit=args.limit
        )
    finally:
        desk.close()


def show(args: argparse.Namespace, found: list[Offer]) -> None:
    """A table, and how one of them is bought."""
    from callisi_runtime.cli.tables import table

    if not found:
        print(f"Twilio has no {args.type} number in {args.country.upper()} now that fits; try another --type")
        return
    rows = [
        (one.number, "yes" if one.sms else "no", one.locality, one.address.replace("none", "no"))
        for one in found
    ]
    print(table(("number", "SMS", "place", "address asked for"), rows))
    print(f"\nTo buy one: callisi provision AGENT --apply --buy {found[0].number}")

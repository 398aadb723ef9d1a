"""Estimate what an agent costs: a month, a call, and the dearest call that can be.

Whole minutes on each leg, both legs of a transfer, the parts of the agent's own messages. Twilio is asked for its
prices; all others stand in a file of yours (--init-prices writes one to fill in). A missing price means no total.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

from callisi_runtime.cli.books import add_database, add_since
from callisi_runtime.cli.output import print_json
from callisi_runtime.errors import CallisiError, ExitCode, Problem

if TYPE_CHECKING:
    from callisi_runtime.cost.estimate import Estimate
    from callisi_runtime.cost.mix import Mix
    from callisi_runtime.cost.needs import Need, Talk
    from callisi_runtime.cost.prices import Known
    from callisi_runtime.plan import CallPlan

MAX_CALLS = 1_000_000
MAX_MINUTES = 120


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Read by `callisi cost --help`."""
    parser.add_argument("agent", metavar="AGENT", help="an agent file")
    for name, kind, default, words in EXPECTED:
        shown = default.replace("%", "%%")
        parser.add_argument(f"--{name}", type=kind, default=default, help=f"{words} (default: {shown})")
    parser.add_argument(
        "--lengths", type=_lengths, metavar="S,S,...", help="real lengths in seconds, instead of --minutes"
    )
    parser.add_argument(
        "--prices", metavar="FILE", default="prices.yaml", help="your price file (default: prices.yaml)"
    )
    add_since(parser, "with --actual (default: 30d): what was used")
    add_database(parser)
    for name, words in SWITCHES:
        parser.add_argument(f"--{name}", action="store_true", help=words)


def run(args: argparse.Namespace) -> ExitCode:
    """Exit code 1 when a price or a rate is missing: there is no total then."""
    from callisi_runtime.cost.estimate import estimate

    if args.actual:
        return _actual(args)
    mix, talk = mix_of(args), talk_of(args)
    plan, needs, known = _gathered(args, mix, talk)
    found = estimate(needs, known, args.calls)
    if args.init_prices:
        return _write_template(args, found)
    if args.limits and found.month is not None:
        return _show_limits(args, plan, talk, found)
    if args.json:
        print_json(found.as_dict() | {"assumed": assumed(args)})
    else:
        from callisi_runtime.cli.cost_text import as_text

        print(as_text(found, assumed(args), args.prices))
    return ExitCode.OK if found.month is not None else ExitCode.USER_ERROR


def _actual(args: argparse.Namespace) -> ExitCode:
    """What it did cost, instead of an estimate; exit code 1 when Twilio or the ledger does not answer."""
    from callisi_runtime.carrier.ask import client_of
    from callisi_runtime.carrier.own import own_since
    from callisi_runtime.checks import load_agent
    from callisi_runtime.cli.books import database_url, moment, read_settings, with_ledger
    from callisi_runtime.cost.actual import actual_cost, as_text
    from callisi_runtime.settings import read_environment

    settings, since = read_settings(), moment(args.since or "30d")
    agent = load_agent(args.agent, read_environment()).value.name
    client = client_of(settings)
    try:
        own = with_ledger(database_url(args, settings), lambda ledger: ledger.read(own_since, since, agent))
        found = actual_cost(client, own, since)
    finally:
        client.http_client.session.close()
    if args.json:
        print_json(found.as_dict())
    else:
        print(as_text(found))
    return ExitCode.OK


def _gathered(args: argparse.Namespace, mix: Mix, talk: Talk) -> tuple[CallPlan, tuple[Need, ...], Known]:
    from datetime import UTC, datetime

    from callisi_runtime.checks import load_agent
    from callisi_runtime.cost.needs import needs_of
    from callisi_runtime.cost.price_file import read_prices
    from callisi_runtime.cost.price_list import price_list
    from callisi_runtime.plan import make_plan
    from callisi_runtime.settings import Settings, read_environment

    environ = read_environment()
    settings = Settings.from_environ(environ)
    plan = make_plan(load_agent(args.agent, environ).value, settings)
    path = Path(args.prices)
    file = read_prices(path) if path.exists() else None
    today = datetime.now(UTC).date()
    known = price_list(plan, settings, file, today, offline=args.offline, refresh=args.refresh)
    return plan, needs_of(plan, mix, talk, cloud=not args.own_livekit), known


def _show_limits(args: argparse.Namespace, plan: CallPlan, talk: Talk, found: Estimate) -> ExitCode:
    from callisi_runtime.cost.limits import limit_prices, limit_text

    prices = limit_prices(plan, talk, found)
    if args.json:
        print_json({key: str(price) for key, price in prices.items()})
    else:
        print(limit_text(prices))
    return ExitCode.OK


def mix_of(args: argparse.Namespace) -> Mix:
    """The month that the command line describes."""
    from callisi_runtime.cost.mix import Mix, spread

    return Mix(
        calls=args.calls,
        lengths=args.lengths or spread(args.minutes),
        human=args.human,
        answered=args.answered,
        mailbox=min(args.mailbox, 1 - args.answered),
        ring=args.ring,
        talks=spread(args.talk),
    )


def talk_of(args: argparse.Namespace) -> Talk:
    """How caller and agent talk."""
    from callisi_runtime.cost.needs import Talk

    return Talk(turns=args.turns)


def assumed(args: argparse.Namespace) -> dict[str, str]:
    """What the estimate rests on, in words."""
    talk = talk_of(args)
    lengths = f"{len(args.lengths)} lengths given" if args.lengths else f"{args.minutes} minutes on average"
    return {
        "calls": f"{args.calls} a month, {lengths}",
        "people": f"{_percent(args.human)} ask for one, {_percent(args.answered)} of them get one, "
        f"a mailbox picks up for {_percent(min(args.mailbox, 1 - args.answered))}; {args.talk} minutes with a person",
        "ringing": f"{args.ring} seconds; Twilio does not bill a leg that nobody picks up",
        "talk": f"{talk.turns} answers a minute of {talk.answer} characters, 3 characters a token, no cached tokens; "
        "the first provider of each list; in the longest call, all of them: who fails is paid as well",
        "messages": "one for each caller who got nobody, on the first channel",
    }


def _write_template(args: argparse.Namespace, found: Estimate) -> ExitCode:
    from datetime import UTC, datetime

    from callisi_runtime.cost.template import price_template

    path = Path(args.prices)
    text = price_template(found.rows, found.currency, datetime.now(UTC).date())
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        hint = "name another with --prices, or remove this one"
        raise CallisiError(
            Problem("there is such a file already", code="exists", file=str(path), hint=hint)
        ) from None
    except OSError as error:
        problem = Problem(f"the file cannot be written: {error.strerror}", code="unwritable", file=str(path))
        raise CallisiError(problem) from None
    if args.json:
        print_json({"ok": True, "file": str(path), "items": [row.need.item for row in found.rows]})
    else:
        print(f"{path}: written, {len(found.rows)} prices to fill in")
    return ExitCode.OK


def _percent(share: Decimal) -> str:
    return f"{(share * 100).normalize():f} %"


def _number(text: str, low: int, high: int, what: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not low <= value <= high or len(text) > 12:
        raise argparse.ArgumentTypeError(f"{text!r} is no {what}, allowed: {low} to {high}")
    return value


def _count(text: str) -> int:
    value = _number(text, 1, MAX_CALLS, "number of calls")
    if value != int(value):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of calls, allowed: 1 to {MAX_CALLS}")
    return int(value)


def _minutes(text: str) -> Decimal:
    return _number(text, 0, MAX_MINUTES, "number of minutes")


def _seconds(text: str) -> Decimal:
    return _number(text, 0, MAX_MINUTES * 60, "number of seconds")


def _share(text: str) -> Decimal:
    """`30%` or `0.3`."""
    if text.endswith("%"):
        return _number(text[:-1], 0, 100, "share") / 100
    return _number(text, 0, 1, "share")


def _lengths(text: str) -> tuple[Decimal, ...]:
    each: Callable[[str], Decimal] = _seconds
    found = tuple(each(one) for one in text.split(",") if one.strip())
    if not 1 <= len(found) <= 10_000:
        raise argparse.ArgumentTypeError("name between one and 10000 lengths, in seconds: 35,80,140")
    return found


EXPECTED: tuple[tuple[str, Callable[[str], object], str, str], ...] = (
    ("calls", _count, "100", "calls in a month"),
    ("minutes", _minutes, "2", "average talk with the agent; lengths are spread evenly around it"),
    ("human", _share, "30%", "callers who ask for a person"),
    ("answered", _share, "60%", "those of them who get one"),
    ("mailbox", _share, "10%", "those of them where a mailbox picks up"),
    ("talk", _minutes, "3", "average minutes with the person"),
    ("ring", _seconds, "15", "seconds that it rings"),
    ("turns", _minutes, "3", "answers of the language model in a minute"),
)
"""What a month is like: option, how it is read, what is assumed, what it means."""

SWITCHES = (
    (
        "actual",
        "what it did cost, by Twilio's bill and by our own calls and messages, instead of an estimate",
    ),
    ("own-livekit", "the rooms are on a server of your own"),
    ("offline", "do not ask Twilio; reckon with the file alone"),
    ("refresh", "ask Twilio again, though it was asked today"),
    ("limits", "show prices for `limits.cost`: the highest that each thing can cost"),
    ("init-prices", "write a price file to fill in; nothing is overwritten"),
)

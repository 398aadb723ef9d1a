"""`callisi-run AGENT`: answer calls; on a machine without LiveKit, rehearse one in the terminal."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from io import TextIOWrapper
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from callisi_runtime.cli.main import Parser
from callisi_runtime.cli.output import print_json
from callisi_runtime.errors import CallisiError, ExitCode, Problem, UsageError

if TYPE_CHECKING:
    from callisi_runtime.rehearse.real_books import Real
    from callisi_runtime.rehearse.rehearsal import Cast
    from callisi_runtime.settings import Settings
    from callisi_runtime.spec import AgentSpec

NOT_CONFIGURED = "Rehearsal: nothing is configured, so no telephone rings and nothing is sent."
ON_PURPOSE = "Rehearsal: no telephone rings and nothing is sent."
SENDS = "Rehearsal: no telephone rings, but the call stands in the ledger and messages to the staff are truly sent."
HOW = "Type what the caller says; Enter lets time pass, /help lists the rest, Ctrl-D hangs up."
SAMPLE_CALLER = "+49 1522 8817386"
"""A number that is kept free for films and books."""
REHEARSAL_ONLY = ("script", "caller", "at", "staff")


def main(argv: Sequence[str]) -> int:
    """`callisi-run`. Returns the exit code.

    Raises:
        CallisiError: the file, the command line or the set-up is wrong.
    """
    parser = run_parser()
    try:
        args = parser.parse_args(list(argv))
    except SystemExit as shown:  # --help was printed
        return int(shown.code or 0)
    from callisi_runtime.checks import load_agent
    from callisi_runtime.settings import Settings, read_environment

    environ = read_environment()
    for name, value in environ.items():
        os.environ.setdefault(name, value)
    settings = Settings.from_environ(environ)
    spec = load_agent(args.agent, environ).value
    if rehearses(args, settings):
        return rehearse(args, spec, settings)
    return answer_calls(args, settings)


def run_parser() -> Parser:
    """The arguments of `callisi-run`."""
    parser = Parser(prog="callisi-run", description=__doc__)
    parser.add_argument("agent", metavar="AGENT", help="an agent file: agents/clara.yaml")
    live = parser.add_argument_group(
        "answering calls (LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET are set)"
    )
    live.add_argument("--dev", action="store_true", help="start anew whenever a file changes")
    live.add_argument(
        "--replace",
        action="store_true",
        help="hand over to a new worker: the running one starts it and drains",
    )
    live.add_argument(
        "--loopback", action="store_true", help="simulate every provider but LiveKit: no key is needed"
    )
    live.add_argument(
        "--health-port", type=int, metavar="PORT", help="where 127.0.0.1 answers whether it is well"
    )
    dry = parser.add_argument_group("rehearsing")
    dry.add_argument("--rehearse", action="store_true", help="rehearse although LiveKit is configured")
    dry.add_argument(
        "--script", metavar="FILE", help="play these lines instead of asking; - is standard input"
    )
    dry.add_argument("--caller", metavar="NUMBER", help=f"who rings: a number, or `hidden` ({SAMPLE_CALLER})")
    dry.add_argument("--at", metavar="TIME", help="when: 14:30, or 2026-12-24 14:30 (now)")
    dry.add_argument("--staff", action="append", metavar="WHAT", help=staff_help())
    dry.add_argument(
        "--send",
        action="store_true",
        help="write the call into the ledger, and truly send the messages to the staff",
    )
    dry.add_argument("--json", action="store_true", help="print one JSON document instead of the call")
    return parser


def staff_help() -> str:
    """What `--staff` takes."""
    from callisi_runtime.rehearse.staff import BEHAVIOURS

    return f"how the staff's telephones behave: {', '.join(BEHAVIOURS)}; `2=busy` means the second target"


def rehearses(args: argparse.Namespace, settings: Settings) -> bool:
    """Whether this is a rehearsal."""
    asked = (
        args.rehearse
        or args.json
        or args.send
        or any(getattr(args, name) is not None for name in REHEARSAL_ONLY)
    )
    return asked or not (settings.has_livekit or args.loopback)


def answer_calls(args: argparse.Namespace, settings: Settings) -> int:
    """Keep a worker running, or have the running one replaced."""
    from pathlib import Path

    from callisi_runtime.checks import load_agent
    from callisi_runtime.live.supervisor import RunOptions, replace_running, serve
    from callisi_runtime.settings import read_environment

    loaded = load_agent(args.agent, read_environment())
    if args.replace:
        return replace_running(loaded.value.name, settings)
    options = RunOptions(loopback=args.loopback, dev=args.dev, health_port=args.health_port)
    files = [*loaded.files, *(file for file in (Path(".env"),) if file.is_file())]
    return serve(lambda: load_agent(args.agent, read_environment()).value, files, settings, options)


# -- rehearsing -----------------------------------------------------------------------------------------------


def rehearse(args: argparse.Namespace, spec: AgentSpec, settings: Settings) -> int:
    """One call in the terminal, from a script, or from a pipe."""
    from callisi_runtime.rehearse.script import read_script

    cast = cast_of(args, spec, settings)
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # an old terminal: ? stands for what it cannot show or send
    typed = args.script is None and sys.stdin.isatty() and not args.json
    lines = [] if typed else read_script("-" if args.script is None else args.script)
    if not args.json:
        first = SENDS if args.send else ON_PURPOSE if settings.has_livekit else NOT_CONFIGURED
        print(f"{first} {HOW}" if typed else first, flush=True)
    if typed:
        return rehearse_typed(args, spec, settings, cast)
    return rehearse_script(args, spec, settings, cast, lines)


def rehearse_script(
    args: argparse.Namespace, spec: AgentSpec, settings: Settings, cast: Cast, lines: Sequence[str]
) -> int:
    """The lines of a file or a pipe."""
    import asyncio

    from callisi_runtime.plan import make_plan
    from callisi_runtime.rehearse.document import document
    from callisi_runtime.rehearse.rehearsal import Rehearsal
    from callisi_runtime.rehearse.screen import NoScreen, TextScreen
    from callisi_runtime.rehearse.script import play

    plan = make_plan(spec, settings)
    screen = NoScreen() if args.json else TextScreen(spec.display)

    async def call() -> Rehearsal:
        rehearsal = Rehearsal(plan, cast, screen)
        await play(rehearsal, lines)
        return rehearsal

    rehearsal = asyncio.run(call())
    if isinstance(screen, TextScreen):
        screen.over(rehearsal)
    else:
        print_json(document(rehearsal))
    return ExitCode.OK


def rehearse_typed(args: argparse.Namespace, spec: AgentSpec, settings: Settings, cast: Cast) -> int:
    """Somebody at the keyboard is the caller, and the staff."""
    import asyncio
    import contextlib

    from callisi_runtime.plan import make_plan
    from callisi_runtime.rehearse.rehearsal import Rehearsal
    from callisi_runtime.rehearse.screen import TextScreen
    from callisi_runtime.rehearse.script import Typed

    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  # arrow keys and history for input()
    screen = TextScreen(spec.display, echo=False)
    with asyncio.Runner() as runner:

        async def make() -> Rehearsal:
            return Rehearsal(make_plan(spec, settings), cast, screen)

        rehearsal = runner.run(make())
        Typed(rehearsal, screen, runner, ask_staff=not args.staff).play()
        screen.over(rehearsal)
    return ExitCode.OK


def cast_of(args: argparse.Namespace, spec: AgentSpec, settings: Settings) -> Cast:
    """Who rings, when, and who picks up.

    Raises:
        UsageError: one of them is not written as it must be.
    """
    from callisi_runtime.phone import normalise
    from callisi_runtime.rehearse.providers import Providers
    from callisi_runtime.rehearse.rehearsal import Cast
    from callisi_runtime.rehearse.staff import parse_staff

    given = SAMPLE_CALLER if args.caller is None else args.caller
    caller = normalise("anonymous" if given == "hidden" else given)
    if caller.e164 is None and given != "hidden":
        raise UsageError(
            f"--caller {given!r} is no telephone number; write it as +49 30 23125010, or `hidden`"
        )
    staff, targets = parse_staff(args.staff or []), len(spec.transfer.to) if spec.transfer else 0
    if staff.highest > targets:
        raise UsageError(f"there is no target {staff.highest}: the file names {targets or 'none'}")
    return Cast(
        caller=caller,
        at=moment_of(args.at, spec),
        staff=staff,
        providers=Providers(),
        real_model=has_model(spec),
        real=real_life(spec, settings) if args.send else None,
    )


def real_life(spec: AgentSpec, settings: Settings) -> Real:
    """The ledger, and the channels that the file declares.

    Raises:
        CallisiError: the file has no channel, or one of them cannot send.
    """
    from callisi_runtime.ledger import ledger_at
    from callisi_runtime.notify import Sender, build_channels
    from callisi_runtime.notify.needs import missing_settings
    from callisi_runtime.notify.settings import notify_settings
    from callisi_runtime.rehearse.real_books import Real

    declared = [channel.kind for channel in spec.fallback.channels] if spec.fallback else []
    if not declared:
        hint = "add fallback.channels to the agent file, or rehearse without --send"
        raise CallisiError(Problem("--send: the file has no channel to staff", code="no-channel", hint=hint))
    channels = notify_settings(settings)
    problems = missing_settings(declared, channels)
    if problems:
        raise CallisiError(*problems)
    ledger = ledger_at(settings.callisi_database)
    return Real(ledger, Sender(ledger, build_channels(channels)))


def has_model(spec: AgentSpec) -> bool:
    """Whether there is a key for the first language model that the file names."""
    first = spec.voice.llm[0]
    name = first.api_key_env or {"azure": "AZURE_OPENAI_API_KEY"}.get(
        first.provider, f"{first.provider.upper()}_API_KEY"
    )
    return bool(os.environ.get(name))


def moment_of(text: str | None, spec: AgentSpec) -> datetime:
    """`14:30` today, `2026-12-24 14:30`, or now; in the business's own time.

    Raises:
        UsageError: it is no time.
    """
    zone = ZoneInfo(spec.hours.timezone if spec.hours else "Europe/Berlin")
    now = datetime.now(zone)
    if text is None:
        return now
    try:
        full = f"{now:%Y-%m-%d} {text}" if ":" in text and "-" not in text else text
        moment = datetime.fromisoformat(full)
    except ValueError:
        raise UsageError(f"--at {text!r} is no time: write it as 14:30 or 2026-12-24 14:30") from None
    if ":" not in text:
        raise UsageError(f"--at {text!r} has no time of day: write it as 2026-12-24 14:30")
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)

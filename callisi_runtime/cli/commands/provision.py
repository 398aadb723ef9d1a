"""Show what an agent's line needs at Twilio and LiveKit; with --apply, make it so.

Without --apply nothing is changed, and without --buy nothing is bought. Running it again continues what was begun, and
changes nothing where everything is as it should be. Nothing is ever touched but what carries callisi's tag, the number
that TWILIO_PHONE_NUMBER names, and what --adopt names.

Exit codes: 0 done, or nothing in the way; 1 something is in the way; 4 BLOCKED, a person must act first.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callisi_runtime.cli.output import print_json
from callisi_runtime.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from callisi_runtime.provision import Applied, Options, Plan, Step, World


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Read by `callisi provision --help`."""
    add = parser.add_argument
    add("agent", metavar="AGENT", help="an agent file: agents/clara.yaml")
    add("--apply", action="store_true", help="do what the plan says")
    add(
        "--buy",
        nargs="?",
        const="",
        metavar="NUMBER",
        help="buy the number, or the first that fits; spends money, and only with --apply",
    )
    add("--country", default="DE", metavar="DE", help="of the number to buy (DE)")
    add("--type", default="mobile", help="of the number to buy: local, mobile, national, toll-free (mobile)")
    add("--destroy", action="store_true", help="take away what carries our tag, last made first")
    add("--release-number", action="store_true", help="with --destroy: give up the number, too; it is lost")
    add("--whatsapp-code", metavar="CODE", help="the code that Meta has sent to the WhatsApp sender's number")
    add("--rotate-password", action="store_true", help="replace the SIP user by a new one, without a gap")
    add(
        "--adopt",
        action="append",
        default=[],
        metavar="ID",
        help="take over an object that callisi did not make",
    )
    add(
        "--env-file", default=".env", metavar="FILE", help="where passwords and the number are written (.env)"
    )
    add(
        "--twiml",
        nargs="?",
        const="say",
        choices=("say", "record", "thanks"),
        help="print the TwiML of the carrier's own emergency route, and stop: it rings a person, then speaks (say) or "
        "takes a message (record, with --thanks-url); thanks follows a message",
    )
    add(
        "--thanks-url",
        metavar="URL",
        help="with --twiml record: where Twilio finds what --twiml thanks prints",
    )


def run(args: argparse.Namespace) -> ExitCode:
    """Print the plan, or carry it out."""
    from callisi_runtime.checks import load_agent
    from callisi_runtime.provision import RESOURCES, World
    from callisi_runtime.settings import Settings, read_environment

    options = options_of(args)
    environ = read_environment(also=options.env_file)
    spec = load_agent(args.agent, environ).value
    if args.twiml:
        return show_twiml(args, spec, environ)

    async def work() -> tuple[Plan, Applied | None]:
        async with World(spec, Settings.from_environ(environ), RESOURCES, options) as world:
            return await _work(args, world)

    plan, applied = asyncio.run(work())
    if args.json:
        from callisi_runtime.provision.report import document

        print_json(document(spec.name, plan, applied))
    elif applied is None:
        show_plan(args, plan)
    else:
        show_result(applied)
    return exit_code(plan, applied)


def options_of(args: argparse.Namespace) -> Options:
    """What the command line allows.

    Raises:
        UsageError: The options contradict each other, or the number is none.
    """
    from callisi_runtime.phone import normalise
    from callisi_runtime.provision import Options

    if args.destroy and (args.buy is not None or args.rotate_password):
        raise UsageError("--destroy takes away; it goes with neither --buy nor --rotate-password")
    if args.thanks_url and not args.twiml:
        raise UsageError("--thanks-url goes with --twiml record")
    if args.rotate_password and (fixed := {"SIP_TRUNK_USERNAME", "SIP_TRUNK_PASSWORD"} & os.environ.keys()):
        raise UsageError(
            f"{', '.join(sorted(fixed))}: set by the environment, which counts more than the file; unset it"
        )
    if args.release_number and not args.destroy:
        raise UsageError("--release-number goes with --destroy")
    number = None
    if args.buy:
        number = normalise(args.buy).e164
        if number is None:
            raise UsageError(f"--buy wants a number with its country code, got '{args.buy}'")
    return Options(
        agent=args.agent,
        buy=args.buy is not None,
        number=number,
        country=args.country.upper(),
        number_type=args.type,
        adopt=frozenset(args.adopt),
        rotate=args.rotate_password,
        release_number=args.release_number,
        whatsapp_code=args.whatsapp_code,
        env_file=Path(args.env_file),
    )


async def _work(args: argparse.Namespace, world: World) -> tuple[Plan, Applied | None]:
    from callisi_runtime.provision import RESOURCES, apply, destroy, keep, make_plan, plan_destruction

    look, act = (plan_destruction, destroy) if args.destroy else (make_plan, apply)
    plan = await look(world, RESOURCES)
    if not args.apply or plan.having("stopped"):
        return plan, None
    if not plan.changes:
        return plan, await keep(world, RESOURCES, plan)

    def tell(step: Step) -> None:
        from callisi_runtime.provision.report import done_line

        if not args.json:
            print(done_line(step), flush=True)

    return plan, await act(world, RESOURCES, tell)


def show_plan(args: argparse.Namespace, plan: Plan) -> None:
    """The plan, and what carries it out."""
    from callisi_runtime.provision.report import plan_text

    print(plan_text(plan, colour=sys.stdout.isatty()))
    if plan.changes and not plan.having("stopped"):
        print(f"\nNothing was changed. To do it: callisi provision {args.agent} --apply{_again(args)}")


def _again(args: argparse.Namespace) -> str:
    given = [("--destroy", args.destroy), ("--rotate-password", args.rotate_password)]
    given.append(("--release-number", args.release_number))
    words = [word for word, is_given in given if is_given]
    if args.buy is not None:
        words.append(f"--buy {args.buy}".rstrip())
        words += [f"--country {args.country}"] * (args.country != "DE") + [f"--type {args.type}"] * (
            args.type != "mobile"
        )
    words += [f"--adopt {one}" for one in args.adopt]
    words += [f"--whatsapp-code {args.whatsapp_code}"] * bool(args.whatsapp_code)
    words += [f"--env-file {args.env_file}"] * (args.env_file != ".env")
    return "".join(f" {word}" for word in words)


def show_result(applied: Applied) -> None:
    """What a fresh look at everything says afterwards."""
    from callisi_runtime.provision.plan import Plan
    from callisi_runtime.provision.report import plan_text

    after = applied.after
    left = Plan(after.having("create", "update", "delete", "blocked", "waiting", "stopped"))
    if not applied.done:
        print("nothing was changed")
    print("read back: " + ("everything is as it should be" if not left.steps else "this is left"))
    if left.steps:
        print(plan_text(left, colour=sys.stdout.isatty()))


def show_twiml(args: argparse.Namespace, spec: Any, environ: Any) -> ExitCode:
    """The static TwiML, alone, so that it can be stored as it is."""
    from callisi_runtime.provision.twiml import emergency_twiml
    from callisi_runtime.settings import Settings

    text = emergency_twiml(spec, Settings.from_environ(environ), args.twiml, args.thanks_url)
    if args.json:
        print_json({"ok": True, "agent": spec.name, "twiml": text})
    else:
        print(text)
    return ExitCode.OK


def exit_code(plan: Plan, applied: Applied | None) -> ExitCode:
    """0, 1 when something is in the way or did not come about, 4 when a person must act."""
    now = plan if applied is None else applied.after
    if now.having("stopped") or (applied is not None and not applied.converged):
        return ExitCode.USER_ERROR
    return ExitCode.BLOCKED if now.having("blocked", "waiting") else ExitCode.OK

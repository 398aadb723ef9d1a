"""`callisi COMMAND ...`: which module is which command, and how its arguments are read."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import NoReturn

from callisi_runtime import __version__
from callisi_runtime.cli.guard import guarded
from callisi_runtime.cli.quick import leave
from callisi_runtime.errors import ExitCode, UsageError

COMMANDS: dict[str, str] = {
    "validate": "callisi_runtime.cli.commands.validate",
    "render": "callisi_runtime.cli.commands.render",
    "prove": "callisi_runtime.cli.commands.prove",
    "test": "callisi_runtime.cli.commands.test",
    "new": "callisi_runtime.cli.commands.new",
    "schema": "callisi_runtime.cli.commands.schema",
    "line-test": "callisi_runtime.cli.commands.line_test",
    "calls": "callisi_runtime.cli.commands.calls",
    "notifications": "callisi_runtime.cli.commands.notifications",
    "redrive": "callisi_runtime.cli.commands.redrive",
    "deliver": "callisi_runtime.cli.commands.deliver",
    "export": "callisi_runtime.cli.commands.export",
    "erase": "callisi_runtime.cli.commands.erase",
    "logs": "callisi_runtime.cli.commands.logs",
    "rca": "callisi_runtime.cli.commands.rca",
    "simulate": "callisi_runtime.cli.commands.simulate",
    "provision": "callisi_runtime.cli.commands.provision",
    "numbers": "callisi_runtime.cli.commands.numbers",
    "cost": "callisi_runtime.cli.commands.cost",
    "doctor": "callisi_runtime.cli.commands.doctor",
    "checklist": "callisi_runtime.cli.commands.checklist",
    "serve": "callisi_runtime.cli.commands.serve",
}
"""Command -> its module: `add_arguments(parser)`, `run(args) -> ExitCode`. Imported only when it is called."""

SUMMARIES: dict[str, str] = {
    "validate": "check agent files: every mistake at once, with its place",
    "render": "show everything an agent says and sends, filled in with a sample call",
    "prove": "walk every course that a call of an agent can take",
    "test": "run rehearsals",
    "new": "write a new agent file that extends a variant",
    "schema": "write the JSON schemas that editors check agent files with",
    "line-test": "try your own line with your own telephone, one call at a time",
    "calls": "show calls, what became of them, and what is still owed to their callers",
    "notifications": "show messages to staff, and those that reached nobody",
    "redrive": "send a dead notification again",
    "deliver": "send the messages that are due",
    "export": "print everything that is stored about a caller",
    "erase": "delete what is stored about a caller",
    "logs": "show Twilio's calls, messages and alerts, and which of them are ours",
    "rca": "say what happened on one call, and what probably went wrong",
    "simulate": "play thousands of calls with faults and crashes, and look for a lost caller",
    "provision": "show what the line needs at Twilio and LiveKit, and make it so",
    "numbers": "search for numbers that can be bought",
    "cost": "estimate what an agent costs: a month, a call, the dearest call",
    "doctor": "check the set-up: accounts, trunks, keys, and what the ledger says",
    "checklist": "show the set-up guide's completion checklist, verified now",
    "serve": "take providers' reports about messages",
}
"""Command -> what `callisi --help` says about it, without importing anything."""


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are UsageErrors, so that they are printed where all others are."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing."""
        raise UsageError(f"{message}; `{self.prog} --help` shows how it is used")


# pydantic would look through every installed package for plugins, which costs more than a file's whole check
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def main(argv: Sequence[str] | None = None) -> int:
    """`callisi`. Returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    code = guarded(lambda: call(arguments), json="--json" in arguments, program="callisi")
    if argv is None and arguments[:1] == ["validate"]:
        leave(code)
    return code


def run_main(argv: Sequence[str] | None = None) -> int:
    """`callisi-run`. Returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    return guarded(lambda: _run(arguments), json="--json" in arguments, program="callisi-run")


def call(arguments: Sequence[str]) -> int:
    """Read the command line and run its command. Raises CallisiError."""
    if not arguments or arguments[0] in ("-h", "--help"):
        overview().print_help()
        return ExitCode.OK if arguments else ExitCode.USAGE
    if arguments[0] == "--version":
        print(__version__)
        return ExitCode.OK
    name, *rest = arguments
    if name not in COMMANDS:
        raise UsageError(_unknown(name))
    module = importlib.import_module(COMMANDS[name])
    try:
        parsed = command_parser(name, module).parse_args(rest)
    except SystemExit as shown:  # --help was printed
        return int(shown.code or 0)
    return int(module.run(parsed))


def command_parser(name: str, module: ModuleType) -> Parser:
    """The parser of one command; every command takes `--json`."""
    parser = Parser(
        prog=f"callisi {name}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")
    return parser


def overview() -> Parser:
    """What `callisi --help` shows."""
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:{width}}  {SUMMARIES[name]}" for name in COMMANDS)
    return Parser(
        prog="callisi",
        usage="callisi COMMAND ...   (`callisi COMMAND --help` explains one)",
        description="The telephone receptionist that you declare in one YAML file.",
        epilog=f"commands:\n{commands}\n\n`callisi-run AGENT` answers calls; without an account it rehearses.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _unknown(name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"commands: {', '.join(COMMANDS)}"
    return f"there is no command `{name}`; {hint}"


def _run(arguments: Sequence[str]) -> int:
    run = importlib.import_module("callisi_runtime.cli.run")
    return int(run.main(list(arguments)))

"""Show everything an agent says and sends, filled in with a sample call.

The prompt, the greeting, every sentence, and every message for every outcome of a call; for an SMS its encoding and
the number of its parts. --hidden shows the same for a caller without a number.
"""

from __future__ import annotations

import argparse
import textwrap

from callisi_runtime.cli.output import count, print_json
from callisi_runtime.errors import ExitCode

WIDTH = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Read by `callisi render --help`."""
    parser.add_argument("agent", metavar="AGENT", help="an agent file")
    parser.add_argument("--hidden", action="store_true", help="for a caller who shows no number")


def run(args: argparse.Namespace) -> ExitCode:
    """Exit code 1 when the file has a mistake."""
    from callisi_runtime.checks import load_agent
    from callisi_runtime.render import as_document, render_agent

    rendering = render_agent(load_agent(args.agent).value, hidden=args.hidden)
    if args.json:
        print_json(as_document(rendering))
    else:
        print(as_text(as_document(rendering)))
    return ExitCode.OK


def as_text(document: dict[str, object]) -> str:
    """The document for a person to read."""
    parts = [f"{document['display']} ({document['agent']}), caller {document['caller']}", _prompt(document)]
    parts += [
        _sentences(document, "caller", "What the caller hears"),
        _sentences(document, "staff", "What staff hears"),
    ]
    parts.append(_messages(document))
    return "\n\n".join(part for part in parts if part)


def _prompt(document: dict[str, object]) -> str:
    return "Prompt\n" + textwrap.indent(str(document["prompt"]), "  ")


def _sentences(document: dict[str, object], to: str, title: str) -> str:
    rows = [one for one in document["sentences"] if one["to"] == to]  # type: ignore[attr-defined]
    lines = []
    for row in rows:
        channel = f" ({row['channel']})" if row["channel"] else ""
        lines.append(f"  {row['path']}{channel}\n{_wrapped(row['text'])}")
    return "\n".join([title, *lines]) if lines else ""


def _messages(document: dict[str, object]) -> str:
    lines = []
    for row in document["notifications"]:  # type: ignore[attr-defined]
        size = f", {count(row['segments'], 'SMS', 'SMS')}, {row['encoding']}" if row["segments"] else ""
        lines.append(
            f"  {row['outcome']}: {row['channel']} to {row['to']} ({row['characters']} characters{size})"
        )
        lines += [_wrapped(f"Subject: {row['subject']}")] if row["subject"] else []
        lines.append(_wrapped(row["text"]))
        lines += [
            _wrapped(f"{{{{{number}}}}} = {value}") for number, value in (row["variables"] or {}).items()
        ]
    return (
        "\n".join(["What staff reads", *lines])
        if lines
        else "What staff reads: nothing, there is no `fallback`."
    )


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent="    ", subsequent_indent="    ", break_long_words=False)

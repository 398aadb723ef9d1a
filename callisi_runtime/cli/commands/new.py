"""Write a new agent file that extends a variant; nothing is ever overwritten.

The file is agents/NAME.yaml. Where there is no variants/ folder yet, the variants that come with Callisi are copied
beside it, so that everything the agent does can be read and changed.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from pathlib import Path

from callisi_runtime.cli.output import print_json
from callisi_runtime.errors import CallisiError, ExitCode, Problem
from callisi_runtime.source import did_you_mean

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
TEMPLATE = """\
# yaml-language-server: $schema=../schemas/agent.schema.json

extends: ../variants/{variant}.yaml

name: {name}
title: {title}                              # as callers hear it

business:
  name: Callisi                             # yours, as it is said on the telephone
  phone: "+49 30 23125000"                  # told to callers when nothing else helps; never dialled

# What stands in ../variants/{variant}.yaml holds until you write it here: greeting, persona, facts, transfer ...
# hours: {{open: {{mo-fr: 08:00-17:00}}}}
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Read by `callisi new --help`."""
    parser.add_argument("name", metavar="NAME", help="letters, digits, - and _; the file is agents/NAME.yaml")
    parser.add_argument(
        "--from", dest="variant", metavar="VARIANT", default="forward_sms", help="default: forward_sms"
    )


def run(args: argparse.Namespace) -> ExitCode:
    """Exit code 1 when the name is not one, the variant is unknown, or the file exists."""
    written = new_agent(args.name, args.variant, Path.cwd())
    if args.json:
        print_json({"ok": True, "agent": str(written[-1]), "written": [str(path) for path in written]})
    else:
        print("\n".join(f"wrote {path}" for path in written))
        print(f"next: callisi-run {written[-1]}")
    return ExitCode.OK


def new_agent(name: str, variant: str, folder: Path) -> list[Path]:
    """Write the agent and, where it is missing, what it extends. Returns the files written, relative to `folder`."""
    if NAME.fullmatch(name) is None:
        allowed = "a letter, then letters, digits, `-` and `_`"
        raise CallisiError(
            Problem("this cannot be the name of an agent", code="bad-name", got=f"'{name}'", allowed=allowed)
        )
    agent = Path("agents") / f"{name}.yaml"
    if (folder / agent).exists():
        hint = "choose another name; nothing is overwritten"
        raise CallisiError(Problem("the file exists already", code="exists", file=str(agent), hint=hint))
    text = TEMPLATE.format(variant=variant, name=_as_text(name), title=_as_text(name[:1].upper() + name[1:]))
    files = [*_variants(variant, folder), *_schema(folder), (agent, text)]
    for path, content in files:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        with (folder / path).open("x", encoding="utf-8") as file:
            file.write(content)
    return [path for path, _ in files]


def _as_text(word: str) -> str:
    """The word as YAML reads it back: `null`, `true` and `false` are words of its own."""
    return f'"{word}"' if word.lower() in ("null", "true", "false") else word


def _variants(variant: str, folder: Path) -> list[tuple[Path, str]]:
    """The variant and what it extends, as far as they are not in `folder` yet."""
    own, packaged = folder / "variants", data_folder("variants")
    known = sorted({path.stem for place in (own, packaged) for path in place.glob("*.yaml")})
    if variant not in known:
        hint = did_you_mean(variant, known)
        problem = Problem(
            "there is no such variant", code="unknown-variant", got=f"'{variant}'", allowed=", ".join(known)
        )
        raise CallisiError(replace(problem, hint=hint))
    found: list[tuple[Path, str]] = []
    parent: str | None = f"{variant}.yaml"
    while parent is not None:
        mine = own / parent
        text = (mine if mine.is_file() else packaged / parent).read_text(encoding="utf-8")
        if not mine.is_file():
            found.append((Path("variants") / parent, text))
        extends = re.search(r"^extends:\s*([\w.-]+)\s*$", text, re.MULTILINE)
        parent = extends[1] if extends else None
    return found


def _schema(folder: Path) -> list[tuple[Path, str]]:
    from callisi_runtime.schema import schema_texts

    path = Path("schemas") / "agent.schema.json"
    return [] if (folder / path).exists() else [(path, schema_texts()[path.name])]


def data_folder(name: str) -> Path:
    """Where Callisi's own files lie: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).resolve().parents[2]
    installed = package / "_data" / name
    return installed if installed.is_dir() else package.parent / name

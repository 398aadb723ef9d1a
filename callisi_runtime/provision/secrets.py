"""The SIP user's password: made here, written once into the file that it is meant for, shown nowhere."""

from __future__ import annotations

import os
import re
import secrets
import string
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from callisi_runtime.errors import CallisiError, Problem

LENGTH: Final = 24
ALPHABET: Final = string.ascii_letters + string.digits
"""No sign that a shell, a `.env` or a SIP header could misread."""


def new_password() -> str:
    """24 letters and digits, with a digit, a capital and a small letter among them, as Twilio wants it."""
    while True:
        password = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        if all(re.search(kind, password) for kind in ("[a-z]", "[A-Z]", "[0-9]")):
            return password


def new_username(agent: str) -> str:
    """`callisi-clara-3f9a1c`: never one that exists, so a password that was lost is never needed."""
    return f"{username_prefix(agent)}{secrets.token_hex(3)}"


def username_prefix(agent: str) -> str:
    """How our users of an agent begin."""
    return f"callisi-{re.sub(r'[^a-z0-9]+', '-', agent.lower()).strip('-')}-"


def check_writable(file: Path) -> None:
    """Before anything is made that could not be written down.

    Raises:
        CallisiError: The file cannot be written.
    """
    folder = file.resolve().parent
    if not folder.is_dir():
        raise _not_writable(file, "there is no such folder")
    if file.is_dir() or not os.access(folder, os.W_OK):
        raise _not_writable(file, "permission denied")


def _not_writable(file: Path, why: str) -> CallisiError:
    hint = "give another file: --env-file PATH"
    return CallisiError(Problem(f"{file} cannot be written ({why})", code="env-file", hint=hint))


def write_settings(file: Path, values: Mapping[str, str]) -> None:
    """Set variables in a `.env`, others and comments left as they are; afterwards only its owner reads it.

    The file is replaced as a whole, so that it is never half written.

    Raises:
        CallisiError: It cannot be written.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        for name, value in values.items():
            lines = _with(lines, name, value)
        _replace(file, "\n".join(lines) + "\n")
    except OSError as error:
        raise _not_writable(file, str(error.strerror)) from error


def _with(lines: list[str], name: str, value: str) -> list[str]:
    pattern = re.compile(rf"\s*(?:export\s+)?{re.escape(name)}\s*=")
    at = [number for number, line in enumerate(lines) if pattern.match(line)]
    if not at:
        return [*lines, f"{name}={value}"]
    changed = list(lines)
    changed[at[-1]] = f"{name}={value}"  # the last one is the one that counts
    return changed


def _replace(file: Path, text: str) -> None:
    target = file.resolve()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as writing:
            writing.write(text)
            writing.flush()
            os.fsync(writing.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise

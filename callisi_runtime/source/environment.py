"""`${NAME}` and `${NAME:-default}` in values; `$${` is a literal `${`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from callisi_runtime.source.text import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

_REFERENCE = re.compile(
    r"\$(?P<escaped>\$\{)"
    r"|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<dash>:-(?P<default>(?:[^${}]++|\$(?!\{)|\$\{[^{}]*+\})*+))?\}"
    r"|(?P<broken>\$\{[^}\s]*\}?)"
)
_SECRET = re.compile(r"TOKEN|SECRET|KEY|PASSWORD|PASSWD|CREDENTIAL|_PIN$|_SID$|_URL$")


@dataclass(slots=True)
class Expansion:
    """A text with its variables filled in."""

    value: str
    whole: bool = False
    """The text was one reference and nothing else, so that the value may be a number."""
    names: list[str] = field(default_factory=list)
    undefined: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Environment:
    """The variables, and what was asked of them."""

    variables: Mapping[str, str]
    used: set[str] = field(default_factory=set)
    defaulted: set[str] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)
    """Values that must not appear in any message."""

    def expand(self, text: str) -> Expansion:
        """Fill in every reference; an empty variable counts as unset, as in a shell's `:-`."""
        result = Expansion(text)
        if "${" not in text:
            return result
        match = _REFERENCE.fullmatch(text)
        result.whole = match is not None and match["name"] is not None
        result.value = self._replace(text, result)
        if len(result.value) > MAX_BYTES:
            result.broken.append("${...} (too long when filled in)")
            result.value = ""
        return result

    def _replace(self, text: str, result: Expansion) -> str:
        return _REFERENCE.sub(lambda match: self._one(match, result), text)

    def _one(self, match: re.Match[str], result: Expansion) -> str:
        if match["escaped"] is not None:
            return "${"
        name = match["name"]
        if name is None:
            result.broken.append(match["broken"])
            return match[0]
        self.used.add(name)
        result.names.append(name)
        if value := self.variables.get(name):
            if _SECRET.search(name) and len(value) >= 6:
                self.secrets.add(value)
            return value
        if match["dash"] is None:
            result.undefined.append(name)
            return match[0]
        self.defaulted.add(name)
        return self._replace(match["default"], result)

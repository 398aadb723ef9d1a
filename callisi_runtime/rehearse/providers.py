"""How the simulated providers behave: up, down, slow, or answering with a code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from callisi_runtime.errors import UsageError

ProviderName = Literal["sms", "whatsapp", "email", "webhook", "llm", "stt", "tts", "trunk"]
CHANNELS = ("sms", "whatsapp", "email", "webhook")
NAMES: tuple[str, ...] = get_args(ProviderName)
MODES = "up, down, slow, slow 5s, hang, lost (channels), or a code: 503, 21610, 63016 (channels)"
DEFAULT_SLOW = 5.0
LATE_CODES = range(30_000, 70_000)
"""Codes that Twilio reports after it has taken the message."""


@dataclass(frozen=True, slots=True)
class Mode:
    """How one provider behaves."""

    kind: Literal["up", "down", "slow", "hang", "code", "lost"] = "up"
    seconds: float = 0.0
    code: int = 0

    @property
    def late(self) -> bool:
        """Whether the provider takes the message first and reports its loss later."""
        return self.kind == "lost" or (self.kind == "code" and self.code in LATE_CODES)

    def __str__(self) -> str:
        if self.kind == "slow":
            return f"slow {self.seconds:g}s"
        return str(self.code) if self.kind == "code" else self.kind


UP = Mode()


def parse_mode(provider: str, text: str) -> Mode:
    """`up`, `down`, `slow 5s`, `hang`, `lost`, `503`.

    Raises:
        UsageError: it is none of them, or not for this provider.
    """
    words = text.split()
    code = provider in CHANNELS and re.fullmatch(r"[1-5]\d{2}|[1-9]\d{4}", text)
    if code:
        return Mode("code", code=int(text))
    if words[:1] == ["slow"] and len(words) <= 2:
        return Mode("slow", seconds=parse_seconds(words[1]) if len(words) == 2 else DEFAULT_SLOW)
    if text in ("up", "down", "hang"):
        return Mode(text)  # type: ignore[arg-type]  # one of the three
    if text == "lost" and provider in CHANNELS:
        return Mode("lost")
    raise UsageError(f"{provider} cannot be {text or 'nothing'!r}: {MODES}")


def parse_seconds(text: str) -> float:
    """`12s`, `12`, `1.5s`, `2m`.

    Raises:
        UsageError: it is none of them.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|min)?", text.strip())
    if match is None:
        raise UsageError(f"{text!r} is not a length of time: write it as 12s")
    return float(match[1]) * (60 if match[2] in ("m", "min") else 1)


class Providers:
    """Every simulated provider; all are up at first."""

    def __init__(self, modes: dict[str, str] | None = None) -> None:
        self._modes: dict[str, Mode] = {}
        for name, text in (modes or {}).items():
            self.set(name, text)

    def __getitem__(self, name: str) -> Mode:
        return self._modes.get(name, UP)

    def set(self, name: str, text: str) -> Mode:
        """Change one.

        Raises:
            UsageError: there is no such provider, or it cannot behave like that.
        """
        if name not in NAMES:
            raise UsageError(f"there is no provider {name!r}: {', '.join(NAMES)}")
        self._modes[name] = mode = parse_mode(name, text)
        return mode

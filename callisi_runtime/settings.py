"""Every environment variable that Callisi reads, once. Secrets live here and nowhere else, and are never printed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from callisi_runtime.environ import read_environment
from callisi_runtime.errors import CallisiError, Problem

__all__ = ["Settings", "read_environment"]

DEFAULT_DATABASE = "sqlite:///callisi.db"
NUMBERS = {
    "callisi_health_port": (1, 65_535),
    "callisi_idle_processes": (0, 100),
    "callisi_drain_seconds": (0, 86_400),
    "callisi_patience_seconds": (1, 120),
}
"""Settings that are whole numbers -> the least and the greatest."""

SWITCHES = ("sip_secure",)
SWITCH_WORDS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def secret() -> str | None:
    """A field whose value stays out of `repr`."""
    return field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment, resolved. Names are the environment's own, in small letters; empty counts as not set."""

    livekit_url: str | None = None
    livekit_api_key: str | None = None
    livekit_api_secret: str | None = secret()
    livekit_sip_uri: str | None = None
    """Where the carrier sends calls to: `sip:your-project.sip.livekit.cloud;transport=tcp`, or `sip:HOST:5060`."""
    openai_api_key: str | None = secret()
    openai_base_url: str | None = None
    deepgram_api_key: str | None = secret()
    deepgram_base_url: str | None = None
    twilio_account_sid: str | None = None
    twilio_auth_token: str | None = secret()
    twilio_secondary_auth_token: str | None = secret()
    """While the token is changed: what Twilio signs with either of the two is taken."""
    twilio_api_base: str | None = None
    """Sends every Twilio request to this origin, the original host name kept in the Host header."""
    twilio_phone_number: str | None = None
    twilio_whatsapp_from: str | None = None
    twilio_whatsapp_content_sid: str | None = None
    """The approved template of the file's `template`; `callisi provision` writes it."""
    twilio_whatsapp_waba_id: str | None = None
    """Meta's WhatsApp Business Account of a new sender; read from the account's other senders when not set."""
    twilio_trunk_domain: str | None = None
    """Name of the SIP trunk at Twilio, before `.pstn.twilio.com`; made of agent and account when not set."""
    twilio_edge: str | None = None
    """The edge of Twilio's network that calls go through: `frankfurt`."""
    twilio_disaster_recovery_url: str | None = None
    """Where Twilio finds the TwiML of its own emergency route, for when LiveKit cannot be reached."""
    twilio_address_sid: str | None = None
    twilio_bundle_sid: str | None = None
    sip_trunk_name: str | None = None
    """The trunk's name, for an agent that puts nobody through and so has no `transfer.trunk`."""
    sip_trunk_username: str | None = None
    sip_trunk_password: str | None = secret()
    """With the user name: how LiveKit dials over Twilio. `callisi provision` makes and writes both."""
    sip_secure: bool = False
    """Whether calls are encrypted between Twilio and LiveKit."""
    sip_allowed_addresses: str | None = None
    """From where LiveKit takes calls, with commas between; Twilio's signalling addresses when not set."""
    smtp_url: str | None = secret()
    """`smtps://user:password@host:465` or `smtp://user:password@host:587` (STARTTLS)."""
    smtp_from: str | None = None
    callisi_database: str = DEFAULT_DATABASE
    callisi_public_url: str | None = None
    """Where providers reach `callisi serve`; without it receipts are polled."""
    callisi_webhook_secret: str | None = secret()
    callisi_secret: str | None = secret()
    """Signs the links in messages to staff; the Twilio token does when it is not set."""
    callisi_serve_token: str | None = secret()
    """What `callisi serve` asks for before it shows anything, where it can be reached from other machines."""
    callisi_cache: str | None = None
    """Where synthesised sentences are kept; the user's cache directory when not set."""
    callisi_health_port: int = 8081
    callisi_idle_processes: int = 2
    """Call processes that wait ready: the calls expected in one second, and one for a rescue."""
    callisi_drain_seconds: int = 600
    """How long a worker that is replaced lets its calls end by themselves, before it hands them over."""
    callisi_patience_seconds: int = 10
    """How long commands wait for one answer of Twilio or LiveKit."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """The settings that stand in `environ`. Raises CallisiError for what should be a number and is none."""
        values: dict[str, object] = {}
        for name in cls.__dataclass_fields__:
            value = environ.get(name.upper(), "").strip()
            if value:
                values[name] = _read(name, value)
        return cls(**values)  # type: ignore[arg-type]

    @property
    def has_livekit(self) -> bool:
        """Whether anything of LiveKit is configured, so that a live call is meant."""
        return any((self.livekit_url, self.livekit_api_key, self.livekit_api_secret))

    @property
    def cache_directory(self) -> Path:
        """Where synthesised sentences are kept."""
        if self.callisi_cache:
            return Path(self.callisi_cache)
        return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "callisi"


def _read(name: str, text: str) -> object:
    if name in SWITCHES:
        return _switch(name, text)
    return _number(name, text) if name in NUMBERS else text


def _switch(name: str, text: str) -> bool:
    if text.lower() not in SWITCH_WORDS:
        problem = Problem(f"{name.upper()} is neither on nor off", code="bad-variable", got=f"'{text}'")
        raise CallisiError(replace(problem, allowed=", ".join(SWITCH_WORDS)))
    return SWITCH_WORDS[text.lower()]


def _number(name: str, text: str) -> int:
    low, high = NUMBERS[name]
    if not text.isdecimal() or not low <= int(text) <= high:
        problem = Problem(f"{name.upper()} is not a number that can be", code="bad-variable", got=f"'{text}'")
        raise CallisiError(replace(problem, allowed=f"{low} to {high}"))
    return int(text)

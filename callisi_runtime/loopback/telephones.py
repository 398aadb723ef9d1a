"""The telephones that LiveKit's SIP bridge reaches on loopback, and what each does to the one who dials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from livekit.protocol.models import DisconnectReason

from callisi_runtime.errors import Problem, UsageError
from callisi_runtime.loopback.twirp import TwirpError


@dataclass(frozen=True, slots=True)
class Refusal:
    """How a failed dial ends: Twirp's error, and why the leg left the room."""

    code: str
    reason: str
    left: DisconnectReason
    sip: int | None = None
    """The SIP status; None when the bridge reports none."""

    def error(self) -> TwirpError:
        """As the dialling client meets it."""
        if self.sip is None:
            return TwirpError(self.code, self.reason)
        meta = {"sip_status_code": str(self.sip), "sip_status": self.reason, "error_details": self.reason}
        return TwirpError(self.code, f"sip status {self.sip}: {self.reason}", meta)


_UNAVAILABLE = DisconnectReason.USER_UNAVAILABLE
_REJECTED = DisconnectReason.USER_REJECTED
_OURS = DisconnectReason.CLIENT_INITIATED

RUNG_OUT: Final = Refusal("canceled", "sip request timed out", _UNAVAILABLE)

# What a real server and bridge answered, code by code, to calls that really were placed.
REFUSALS: Final[Mapping[str, Refusal]] = {
    "302": Refusal("not_found", "Moved Temporarily", _OURS, 302),
    "403": Refusal("permission_denied", "Forbidden", _REJECTED, 403),
    "404": Refusal("not_found", "Not Found", _UNAVAILABLE, 404),
    "408": Refusal("deadline_exceeded", "Request Timeout", _UNAVAILABLE, 408),
    "480": Refusal("resource_exhausted", "Temporarily Unavailable", _UNAVAILABLE, 480),
    "484": Refusal("invalid_argument", "Address Incomplete", _REJECTED, 484),
    "486": Refusal("resource_exhausted", "Busy Here", _REJECTED, 486),
    "487": Refusal("aborted", "Request Terminated", _REJECTED, 487),
    "488": Refusal("invalid_argument", "Not Acceptable Here", _REJECTED, 488),
    "500": Refusal("failed_precondition", "Server Internal Error", _OURS, 500),
    "503": Refusal("failed_precondition", "Service Unavailable", _OURS, 503),
    "600": Refusal("resource_exhausted", "Busy Everywhere", _REJECTED, 600),
    "603": Refusal("permission_denied", "Decline", _REJECTED, 603),
    "401": Refusal("failed_precondition", "required auth, but no credentials", _OURS),
    "bridge_down": Refusal("unavailable", "no response from servers", _OURS),
    "server_deadline": Refusal("deadline_exceeded", "request timed out", _OURS),
}

ALIASES: Final[Mapping[str, str]] = {
    "busy": "486",
    "declined": "603",
    "unavailable": "480",
    "unreachable": "404",
    "misconfigured": "484",
    "provider_down": "503",
    "required_auth": "401",
}


@dataclass(frozen=True, slots=True)
class Phone:
    """What a telephone does when it is dialled.

    `does` is `answered`, `no_answer`, a SIP status as text, or a word of ALIASES; `rings` seconds pass before.
    `talks` seconds after the answer it hangs up (None: never). `silent` never rings: 100 and nothing more.
    """

    does: str = "answered"
    rings: float = 0.02
    talks: float | None = None
    silent: bool = False

    def __post_init__(self) -> None:
        if self.does not in {"answered", "no_answer", *REFUSALS, *ALIASES}:
            raise UsageError(
                Problem(
                    "no telephone does this",
                    code="unknown-outcome",
                    got=repr(self.does),
                    allowed=", ".join(["answered", "no_answer", *ALIASES, *REFUSALS]),
                )
            )

    @property
    def refusal(self) -> Refusal | None:
        """How the dial fails; None when it is answered or rings out."""
        return REFUSALS.get(ALIASES.get(self.does, self.does))


class Telephones:
    """Which telephone is behind a number; unknown numbers answer."""

    def __init__(self) -> None:
        self._once: dict[str, list[Phone]] = {}
        self._always: dict[str, Phone] = {}

    def will(self, number: str, phone: Phone | str, *, times: int | None = None) -> None:
        """What the number (`*`: any) does from now on, or before that the next `times` times."""
        behind = phone if isinstance(phone, Phone) else Phone(phone)
        if times is None:
            self._always[number] = behind
        else:
            self._once.setdefault(number, []).extend([behind] * times)

    def dial(self, number: str) -> Phone:
        """The telephone that rings now."""
        for key in (number, "*"):
            if self._once.get(key):
                return self._once[key].pop(0)
            if key in self._always:
                return self._always[key]
        return Phone()

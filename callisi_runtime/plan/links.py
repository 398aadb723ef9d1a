"""The signed link with which staff takes a callback over, without an account and without an answer."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from callisi_runtime.settings import Settings

PATH = "/r"
SIGNATURE_BYTES = 12
"""96 bits: short enough for an SMS, and nobody guesses them over HTTP."""


@dataclass(frozen=True, slots=True)
class Links:
    """Makes and checks links `https://host/r/K7Q2/0/<signature>`: reference, step of the route, who it was made for."""

    public_url: str
    secret: bytes = field(repr=False)

    def of(self, note_id: str, reference: str, step: int, to: str) -> str:
        """The link for the person whom this step reaches."""
        signature = self.signature(note_id, step, to)
        return f"{self.public_url.rstrip('/')}{PATH}/{reference}/{step}/{signature}"

    def signature(self, note_id: str, step: int, to: str) -> str:
        """HMAC-SHA256 over note, step and recipient, cut and in letters that a URL takes."""
        signed = "\n".join(("callisi claim", note_id, str(step), to)).encode()
        digest = hmac.new(self.secret, signed, hashlib.sha256).digest()[:SIGNATURE_BYTES]
        return base64.urlsafe_b64encode(digest).decode()

    def genuine(self, given: str, note_id: str, step: int, to: str) -> bool:
        """Whether the link was made by us, for this note and this person."""
        return hmac.compare_digest(given.encode(), self.signature(note_id, step, to).encode())


def links_of(settings: Settings) -> Links | None:
    """What the environment allows: a public address and something secret to sign with; None where one is missing."""
    secret = settings.callisi_secret or settings.twilio_auth_token or settings.callisi_webhook_secret
    if not settings.callisi_public_url or not secret:
        return None
    return Links(settings.callisi_public_url, secret.encode())

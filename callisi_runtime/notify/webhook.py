"""A signed JSON request to another system, by the Standard Webhooks headers."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING

import aiohttp

from callisi_runtime.ledger.values import Note, Receipt, Step
from callisi_runtime.notify.base import Reject, Retry, Sent, content_of, index_of, text_of
from callisi_runtime.notify.twilio_messages import seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

LATER = frozenset({408, 425, 429})
"""Refusals that ask to come back."""


class Webhook:
    """Repeating is harmless: every attempt at a step carries the same `webhook-id` and `Idempotency-Key`."""

    finds = False

    def __init__(
        self, secret: str | None, *, timeout: float = 10.0, clock: Callable[[], float] = time.time
    ) -> None:
        self._secret = secret
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._clock = clock

    async def send(self, note: Note, step: Step) -> Sent:
        """Posts the notification once. Redirects are refusals: a signature is for one address."""
        key = f"{note.id}.{index_of(note, step)}"
        body = json.dumps(payload(note, step), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        headers |= signature_headers(self._secret, key, int(self._clock()), body)
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout) as session,
                session.post(step.to, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                _judge(answer.status, answer.headers.get("Retry-After"))
        except aiohttp.ClientConnectorError as error:
            raise Retry("the address cannot be reached", unknown=False) from error
        except aiohttp.InvalidURL as error:
            raise Reject("the address is not a URL", operator=True) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Retry("the answer was lost") from error
        return Sent(key, "none")

    async def find(self, note: Note, step: Step, *, ignore: Collection[str] = ()) -> Sent | None:
        """Never knows: the receiver recognises the key."""
        return None

    async def status(self, sid: str, step: Step) -> Receipt:
        """A request that was answered has arrived."""
        return Receipt("delivered", sid)


def payload(note: Note, step: Step) -> dict[str, object]:
    """What the receiver gets."""
    facts = note.body.get("facts", {})
    return {
        "type": "callisi.notification",
        "id": note.id,
        "call_id": note.call_id,
        "agent": note.agent,
        "reference": note.reference,
        "created": note.created,
        "kind": note.kind,
        "text": text_of(note, step),
        "claim_url": content_of(note, step).get("claim_url"),
        "facts": facts,
    }


def signature_headers(secret: str | None, key: str, now: int, body: bytes) -> dict[str, str]:
    """`webhook-id`, `webhook-timestamp`, and with a secret `webhook-signature`: HMAC-SHA256 over them."""
    headers = {"webhook-id": key, "webhook-timestamp": str(now)}
    if secret:
        signed = b".".join([key.encode(), str(now).encode(), body])
        digest = hmac.new(key_bytes(secret), signed, hashlib.sha256).digest()
        headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return headers


def key_bytes(secret: str) -> bytes:
    """The key of `whsec_<base64>`, or the text itself."""
    if secret.startswith("whsec_"):
        try:
            return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            return secret.encode()
    return secret.encode()


def _judge(status: int, retry_after: str | None) -> None:
    if status < 300:
        return
    if status in LATER:
        raise Retry(f"HTTP {status}", after=seconds(retry_after), unknown=False)
    if status >= 500:
        raise Retry(f"HTTP {status}", after=seconds(retry_after))
    raise Reject(f"HTTP {status}; the receiver refuses the request")

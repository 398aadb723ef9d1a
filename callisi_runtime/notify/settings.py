"""What the channels need besides the agent file: accounts, senders, secrets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from callisi_runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """Filled from the environment by the settings module. None: this channel is not set up."""

    twilio_account_sid: str | None = None
    twilio_auth_token: str | None = field(default=None, repr=False)
    twilio_api_base: str | None = None
    """A loopback address in rehearsals and tests; None is Twilio itself."""
    sms_from: str | None = None
    """E.164, or up to 11 letters."""
    whatsapp_from: str | None = None
    """With or without `whatsapp:` in front."""
    smtp_url: str | None = field(default=None, repr=False)
    """`smtp://user:password@host:587` (STARTTLS) or `smtps://...:465`."""
    smtp_from: str | None = None
    webhook_secret: str | None = field(default=None, repr=False)
    """Signs webhooks; `whsec_` and base64, or any text."""
    status_callback_url: str | None = None
    """Where Twilio reports: `https://host/twilio/status`. None: Twilio is asked."""
    timeout: float = 10.0
    """Seconds one request to a provider may take."""


def notify_settings(settings: Settings) -> NotifySettings:
    """The environment, as the channels want it."""
    public = settings.callisi_public_url
    return NotifySettings(
        twilio_account_sid=settings.twilio_account_sid,
        twilio_auth_token=settings.twilio_auth_token,
        twilio_api_base=settings.twilio_api_base,
        sms_from=settings.twilio_phone_number,
        whatsapp_from=settings.twilio_whatsapp_from,
        smtp_url=settings.smtp_url,
        smtp_from=settings.smtp_from,
        webhook_secret=settings.callisi_webhook_secret,
        status_callback_url=f"{public.rstrip('/')}/twilio/status" if public else None,
    )

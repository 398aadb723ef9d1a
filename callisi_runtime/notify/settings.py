"""What the channels need besides the agent file: accounts, senders, secrets."""

from __future__ import annotations

from dataclasses import dataclass, field


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

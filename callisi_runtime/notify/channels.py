"""Which channels there are: one line each, one file each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from callisi_runtime.notify.email import Email
from callisi_runtime.notify.sms import Sms
from callisi_runtime.notify.twilio_messages import TwilioMessages
from callisi_runtime.notify.webhook import Webhook
from callisi_runtime.notify.whatsapp import WhatsApp

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from callisi_runtime.notify.base import Channel
    from callisi_runtime.notify.settings import NotifySettings


def twilio_messages(settings: NotifySettings) -> TwilioMessages | None:
    """Twilio by the settings' account; None when there is none."""
    if not settings.twilio_account_sid or not settings.twilio_auth_token:
        return None
    from callisi_runtime.notify.twilio_client import twilio_client

    make = partial(
        twilio_client,
        settings.twilio_account_sid,
        settings.twilio_auth_token,
        api_base=settings.twilio_api_base,
        timeout=settings.timeout,
    )
    return TwilioMessages(make, settings.status_callback_url)


def _sms(settings: NotifySettings) -> Channel | None:
    messages = twilio_messages(settings)
    return None if messages is None else Sms(messages, settings.sms_from)


def _whatsapp(settings: NotifySettings) -> Channel | None:
    messages = twilio_messages(settings)
    return None if messages is None else WhatsApp(messages, settings.whatsapp_from)


def _email(settings: NotifySettings) -> Channel | None:
    return Email(settings.smtp_url, settings.smtp_from, timeout=settings.timeout)


def _webhook(settings: NotifySettings) -> Channel | None:
    return Webhook(settings.webhook_secret, timeout=settings.timeout)


CHANNELS: dict[str, Callable[[NotifySettings], Channel | None]] = {
    "sms": _sms,
    "whatsapp": _whatsapp,
    "email": _email,
    "webhook": _webhook,
}
"""The name in the agent file -> what makes the channel, or None when the settings lack what it needs."""


def build_channels(settings: NotifySettings) -> dict[str, Channel]:
    """Every channel that the settings allow. Opens no connection."""
    made = {name: make(settings) for name, make in CHANNELS.items()}
    return {name: channel for name, channel in made.items() if channel is not None}


def preload(channels: Collection[str]) -> None:
    """Imports what these channels need: Twilio's library takes a second, which no call should wait for."""
    if not {"sms", "whatsapp"}.isdisjoint(channels):
        import twilio.rest  # noqa: F401

"""What a declared channel needs of the environment before it can send."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callisi_runtime.errors import Problem
from callisi_runtime.notify.channels import build_channels

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callisi_runtime.notify.settings import NotifySettings

NEEDS = {
    "sms": "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN",
    "whatsapp": "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN",
    "email": "SMTP_URL",
    "webhook": "CALLISI_WEBHOOK_SECRET",
}


def missing_settings(declared: Iterable[str], settings: NotifySettings) -> list[Problem]:
    """One problem for each declared channel that cannot send."""
    channels = build_channels(settings)
    without_server = set() if settings.smtp_url else {"email"}
    return [
        Problem(
            f"the channel {kind} is declared but cannot send",
            code="missing-setting",
            hint=f"set {NEEDS[kind]} in the environment or in .env",
        )
        for kind in sorted(set(declared))
        if kind not in channels or kind in without_server
    ]

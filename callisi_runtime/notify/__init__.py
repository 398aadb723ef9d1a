"""Notifications to staff: the channels, and the sender that works through the outbox."""

from __future__ import annotations

from callisi_runtime.notify.base import Channel, Receipt, Reject, Retry, Sent
from callisi_runtime.notify.channels import CHANNELS, build_channels
from callisi_runtime.notify.sender import Delivery, Pace, Sender
from callisi_runtime.notify.settings import NotifySettings

__all__ = [
    "CHANNELS",
    "Channel",
    "Delivery",
    "NotifySettings",
    "Pace",
    "Receipt",
    "Reject",
    "Retry",
    "Sender",
    "Sent",
    "build_channels",
]

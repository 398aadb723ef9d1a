"""Notifications to staff: the channels, and the sender that works through the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from callisi_runtime.notify.base import Channel, Receipt, Reject, Retry, Sent
    from callisi_runtime.notify.channels import CHANNELS, build_channels
    from callisi_runtime.notify.sender import Delivery, Pace, Sender
    from callisi_runtime.notify.settings import NotifySettings

_HOMES = {
    **dict.fromkeys(("Channel", "Receipt", "Reject", "Retry", "Sent"), "base"),
    **dict.fromkeys(("CHANNELS", "build_channels"), "channels"),
    **dict.fromkeys(("Delivery", "Pace", "Sender"), "sender"),
    "NotifySettings": "settings",
}
"""Name -> the module it comes from. Imported when asked for: `validate` measures SMS and sends none."""

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


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

"""What else of Twilio's REST API is served on loopback besides messages: one part per subject, each with its state."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from callisi_runtime.loopback.twilio_account import Account
from callisi_runtime.loopback.twilio_alerts import Alerts
from callisi_runtime.loopback.twilio_calls import Calls
from callisi_runtime.loopback.twilio_content import Contents
from callisi_runtime.loopback.twilio_numbers import Numbers
from callisi_runtime.loopback.twilio_part import Part, Route
from callisi_runtime.loopback.twilio_permissions import DialingPermissions, MessagingPermissions
from callisi_runtime.loopback.twilio_pricing import Pricing
from callisi_runtime.loopback.twilio_regulatory import Regulatory
from callisi_runtime.loopback.twilio_senders import Senders
from callisi_runtime.loopback.twilio_sip import Sip
from callisi_runtime.loopback.twilio_trunking import Trunking
from callisi_runtime.loopback.twilio_usage import Usage

if TYPE_CHECKING:
    from callisi_runtime.loopback.twilio import TwilioServer

__all__ = ["PARTS", "Part", "Route"]

PARTS: Final[dict[str, Callable[[TwilioServer], Any]]] = {
    "account": Account,
    "alerts": Alerts,
    "calls": Calls,
    "usage": Usage,
    "contents": Contents,
    "senders": Senders,
    "dialing_permissions": DialingPermissions,
    "messaging_permissions": MessagingPermissions,
    "pricing": Pricing,
    "regulatory": Regulatory,
    "numbers": Numbers,
    "sip": Sip,
    "trunking": Trunking,
}
"""Name -> its class, called with the server; a server has each as `server.parts[name]`."""

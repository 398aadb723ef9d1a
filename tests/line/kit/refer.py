"""The carrier's side of a transfer by REFER: take it or not, and report how it went."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .call import CallFailed
from .sip import PHRASES

if TYPE_CHECKING:
    from .call import Call
    from .sip import Message


async def referred(call: Call, timeout: float = 10.0) -> Message:
    """The REFER when it comes; its target is in `["Refer-To"]`. Raises CallFailed when none does."""
    try:
        async with asyncio.timeout(timeout):
            while (request := await call.requests.get()).method != "REFER":
                pass
    except TimeoutError:
        raise CallFailed(f"no REFER within {timeout} s; {call!r}") from None
    return request


async def report(call: Call, code: int, *, after: float = 0.2) -> None:
    """NOTIFY that the transfer rings (below 200), succeeded (200) or failed (300 and above), after some seconds.

    A report within a millisecond of the 202, which no carrier gives, makes the SIP bridge call the REFER timed out.
    """
    await asyncio.sleep(after)
    state = "terminated;reason=noresource" if code >= 200 else "active;expires=60"
    headers = [
        ("Event", "refer"),
        ("Subscription-State", state),
        ("Content-Type", "message/sipfrag;version=2.0"),
    ]
    await call.request("NOTIFY", headers, f"SIP/2.0 {code} {PHRASES[code]}\r\n")

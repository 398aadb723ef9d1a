"""How a dial ended: one table, from the exception, the SIP status, the leg's last status and our own doing together."""

from __future__ import annotations

from dataclasses import dataclass

from callisi_runtime.flow.model import Outcome

SIP_OUTCOMES: dict[int, Outcome] = {
    401: Outcome.MISCONFIGURED,
    403: Outcome.DECLINED,
    404: Outcome.NO_SUCH_NUMBER,
    405: Outcome.MISCONFIGURED,
    407: Outcome.MISCONFIGURED,
    408: Outcome.NO_REPLY,
    410: Outcome.NO_SUCH_NUMBER,
    480: Outcome.NOT_AVAILABLE,
    484: Outcome.MISCONFIGURED,
    486: Outcome.BUSY,
    487: Outcome.RANG_OUT,
    488: Outcome.MISCONFIGURED,
    500: Outcome.PROVIDER_DOWN,
    501: Outcome.MISCONFIGURED,
    502: Outcome.PROVIDER_DOWN,
    503: Outcome.PROVIDER_DOWN,
    504: Outcome.PROVIDER_DOWN,
    600: Outcome.BUSY,
    603: Outcome.DECLINED,
    604: Outcome.NO_SUCH_NUMBER,
}
"""The carrier's final answer. 405 and 501 are its answer to a REFER that the trunk does not allow."""

SERVER_OUTCOMES: dict[str, Outcome] = {
    "failed_precondition": Outcome.MISCONFIGURED,
    "invalid_argument": Outcome.MISCONFIGURED,
    "not_found": Outcome.MISCONFIGURED,
    "permission_denied": Outcome.MISCONFIGURED,
    "unauthenticated": Outcome.MISCONFIGURED,
    "unavailable": Outcome.PROVIDER_DOWN,
    "internal": Outcome.PROVIDER_DOWN,
}
"""LiveKit's own refusals: they carry no SIP status. 401 and 407 of the carrier come as `failed_precondition`."""


@dataclass(frozen=True, slots=True)
class DialEnd:
    """What is known when a dial has ended without an answer."""

    code: str | None = None
    """The server's error code: `canceled`, `resource_exhausted` ...; None when there was no answer from the server."""
    http_status: int | None = None
    sip_status: int | None = None
    timed_out: bool = False
    """Our own deadline was over."""
    rang: bool = False
    """The leg's `sip.callStatus` was `ringing` at some time."""
    caller_left: bool = False


def outcome_of(end: DialEnd) -> Outcome:
    """The outcome of a dial that nobody answered."""
    if end.caller_left:
        return Outcome.CALLER_LEFT
    if end.sip_status is not None:
        return SIP_OUTCOMES.get(end.sip_status, _by_class(end.sip_status))
    if end.timed_out or end.code in ("canceled", "deadline_exceeded"):
        return Outcome.RANG_OUT if end.rang else Outcome.NEVER_RANG
    if end.http_status in (401, 403):
        return Outcome.MISCONFIGURED
    return SERVER_OUTCOMES.get(end.code or "", Outcome.PROVIDER_DOWN)


def _by_class(sip_status: int) -> Outcome:
    if sip_status >= 600:
        return Outcome.DECLINED
    return Outcome.PROVIDER_DOWN if sip_status >= 500 else Outcome.NOT_AVAILABLE


def dial_end(error: BaseException, *, rang: bool, caller_left: bool) -> DialEnd:
    """What an exception of the dial says.

    Args:
        error: What `create_sip_participant` raised: livekit.api's ServerError or SipCallError, a timeout, or aiohttp's.
        rang: Whether the leg was seen ringing.
        caller_left: Whether the caller hung up before.
    """
    sip = getattr(error, "sip_status_code", None)
    code = getattr(error, "code", None)
    return DialEnd(
        code=code if isinstance(code, str) else None,
        http_status=getattr(error, "status", None),
        sip_status=int(sip) if sip else None,
        timed_out=isinstance(error, TimeoutError),
        rang=rang,
        caller_left=caller_left,
    )

"""How a dial ended: every row of the table, from what the server says and what the room saw."""

from __future__ import annotations

import pytest
from livekit import api

from callisi_runtime.flow.model import OUTCOME_WORDS, Outcome
from callisi_runtime.live.outcomes import SIP_OUTCOMES, DialEnd, dial_end, outcome_of


def sip_error(code: int, twirp: str, status: int) -> api.SipCallError:
    """What `create_sip_participant` raises when the carrier has answered."""
    return api.SipCallError(twirp, "sip", status=status, metadata={"sip_status_code": str(code)})


def server_error(twirp: str, status: int) -> api.ServerError:
    """What it raises when the carrier has not, or was never asked."""
    return api.ServerError(twirp, "server", status=status)


def ended(error: BaseException, *, rang: bool = False, caller_left: bool = False) -> Outcome:
    return outcome_of(dial_end(error, rang=rang, caller_left=caller_left))


@pytest.mark.parametrize(
    ("code", "twirp", "status", "outcome"),
    [
        (486, "resource_exhausted", 429, Outcome.BUSY),
        (600, "resource_exhausted", 429, Outcome.BUSY),
        (480, "resource_exhausted", 429, Outcome.NOT_AVAILABLE),
        (408, "deadline_exceeded", 408, Outcome.NO_REPLY),
        (487, "aborted", 409, Outcome.RANG_OUT),
        (603, "permission_denied", 403, Outcome.DECLINED),
        (403, "permission_denied", 403, Outcome.DECLINED),
        (404, "not_found", 404, Outcome.NO_SUCH_NUMBER),
        (302, "not_found", 404, Outcome.NOT_AVAILABLE),
        (405, "invalid_argument", 400, Outcome.MISCONFIGURED),
        (484, "invalid_argument", 400, Outcome.MISCONFIGURED),
        (488, "invalid_argument", 400, Outcome.MISCONFIGURED),
        (500, "failed_precondition", 412, Outcome.PROVIDER_DOWN),
        (503, "failed_precondition", 412, Outcome.PROVIDER_DOWN),
        (599, "unknown", 500, Outcome.PROVIDER_DOWN),
        (607, "unknown", 500, Outcome.DECLINED),
        (423, "unknown", 500, Outcome.NOT_AVAILABLE),
    ],
)
def test_the_carriers_answer_decides(code: int, twirp: str, status: int, outcome: Outcome) -> None:
    assert ended(sip_error(code, twirp, status)) is outcome


@pytest.mark.parametrize(
    ("twirp", "status", "outcome"),
    [
        ("failed_precondition", 412, Outcome.MISCONFIGURED),
        ("not_found", 404, Outcome.MISCONFIGURED),
        ("invalid_argument", 400, Outcome.MISCONFIGURED),
        ("unknown", 401, Outcome.MISCONFIGURED),
        ("unavailable", 503, Outcome.PROVIDER_DOWN),
        ("internal", 500, Outcome.PROVIDER_DOWN),
        ("something_new", 500, Outcome.PROVIDER_DOWN),
    ],
)
def test_without_the_carriers_answer_the_servers_word_decides(
    twirp: str, status: int, outcome: Outcome
) -> None:
    assert ended(server_error(twirp, status)) is outcome


def test_a_ring_timeout_is_told_apart_by_whether_it_rang() -> None:
    timeout = server_error("canceled", 408)
    assert ended(timeout, rang=True) is Outcome.RANG_OUT
    assert ended(timeout) is Outcome.NEVER_RANG
    assert ended(TimeoutError(), rang=True) is Outcome.RANG_OUT
    assert ended(TimeoutError()) is Outcome.NEVER_RANG


def test_a_caller_who_left_is_the_outcome_whatever_the_server_says() -> None:
    assert ended(server_error("canceled", 408), rang=True, caller_left=True) is Outcome.CALLER_LEFT
    assert ended(sip_error(486, "resource_exhausted", 429), caller_left=True) is Outcome.CALLER_LEFT


def test_a_connection_that_breaks_is_the_providers_fault() -> None:
    assert ended(ConnectionResetError()) is Outcome.PROVIDER_DOWN


def test_an_answer_of_the_carrier_outweighs_our_own_deadline() -> None:
    assert outcome_of(DialEnd(sip_status=486, timed_out=True)) is Outcome.BUSY


def test_every_outcome_has_words_for_staff() -> None:
    assert {*SIP_OUTCOMES.values()} <= {*OUTCOME_WORDS}
    assert {*OUTCOME_WORDS} == {*Outcome}

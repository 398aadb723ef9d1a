"""Twilio's records joined with the ledger: the command as a shell runs it, the real library, the loopback Twilio."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import IO, Any

import pytest

from callisi_runtime.ledger import CallRow, Ledger
from callisi_runtime.loopback.livekit import LiveKitServer
from callisi_runtime.loopback.server import Server
from callisi_runtime.loopback.twilio import TwilioServer
from callisi_runtime.loopback.twilio_messages import Course, Message

from .conftest import CALLER, STAFF, Office, Run, note_of

OURS = "+4930901820100"


@contextlib.contextmanager
def answering(server: Server) -> Iterator[None]:
    """The server runs in a thread of its own: the command blocks."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
    yield
    asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture
def twilio(office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwilioServer]:
    server = TwilioServer()
    with answering(server):
        monkeypatch.setenv("TWILIO_ACCOUNT_SID", server.account_sid)
        monkeypatch.setenv("TWILIO_AUTH_TOKEN", server.auth_token)
        monkeypatch.setenv("TWILIO_API_BASE", server.api_base)
        yield server


@pytest.fixture
def livekit(monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveKitServer]:
    server = LiveKitServer()
    with answering(server):
        monkeypatch.setenv("LIVEKIT_URL", server.url.replace("http", "ws", 1))
        monkeypatch.setenv("LIVEKIT_API_KEY", server.api_key)
        monkeypatch.setenv("LIVEKIT_API_SECRET", server.api_secret)
        yield server


def part(server: TwilioServer, name: str) -> Any:
    return server.parts[name]


def a_call(server: TwilioServer, office: Office, *, price: str | None = "-0.0085") -> str:
    """A call of the ledger and of Twilio, whose message did not arrive; returns its sid."""
    row = part(server, "calls").add(CALLER, OURS, seconds=61, price=price)
    message = Message(
        server.account_sid,
        {"To": STAFF, "From": OURS, "Body": "Bitte Rückruf"},
        Course(("undelivered",), 30003),
        passed=1,
        price="-0.0900",
    )
    server.messages[message.sid] = message
    office.clock.now = time.time()

    async def fill(ledger: Ledger) -> None:
        began = office.clock.now - 61
        await ledger.begin_call(CallRow("SCL_1", "clara", CALLER, began, "call-1", carrier_id=row["sid"]))
        await ledger.arm(note_of("SCL_1"), due_in=40)
        await ledger.settle("SCL_1", outcome="rang_out", send=True)
        (claimed,) = await ledger.claim(1, lease=60)
        assert await ledger.taken(claimed, message.sid, poll_in=60)
        await ledger.end_call("SCL_1", outcome="rang_out")

    office.do(fill)
    return str(row["sid"])


def following(kind: str, **streams: Any) -> subprocess.Popen[str]:
    """`callisi logs KIND --follow` in a process of its own, ten looks a second."""
    command = (sys.executable, "-m", "callisi_runtime", "logs", kind, "--follow", "--every", "0.1", "--json")
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ), **streams)


def line_of(stream: IO[str] | None) -> str:
    """The next line; empty at the end."""
    assert stream is not None
    return stream.readline()


def test_a_call_of_twilios_is_joined_with_ours(callisi: Run, office: Office, twilio: TwilioServer) -> None:
    sid = a_call(twilio, office)
    part(twilio, "alerts").add(32011, resource_sid=sid)
    part(twilio, "calls").add("+4930999999999", OURS, status="busy")
    document = callisi("logs", "calls", "--json").json
    stranger, ours = (
        document["entries"] if document["entries"][1]["sid"] == sid else document["entries"][::-1]
    )
    assert (document["ok"], document["kind"], document["ledger"]) == (True, "calls", True)
    assert (ours["call"], ours["agent"], ours["outcome"]) == ("SCL_1", "clara", "rang_out")
    assert (ours["seconds"], ours["price"], ours["currency"]) == (61, "0.0085", "USD")
    assert ours["trouble"] == [
        {"code": "32011", "meaning": "the SIP address does not answer", "remedy": "run `callisi doctor`"}
    ]
    assert (stranger["call"], stranger["price"], stranger["status"]) == (None, None, "busy")


def test_a_message_that_was_lost_says_why(callisi: Run, office: Office, twilio: TwilioServer) -> None:
    a_call(twilio, office)
    (message,) = callisi("logs", "messages", "--json").json["entries"]
    assert (message["call"], message["notification"]) == ("SCL_1", "SCL_1:1")
    assert (message["status"], message["price"]) == ("undelivered", "0.0900")
    assert message["trouble"][0]["meaning"] == "the telephone is off or out of reach"


def test_an_alert_names_the_call_and_what_mends_it(
    callisi: Run, office: Office, twilio: TwilioServer
) -> None:
    part(twilio, "alerts").add(32010, resource_sid=a_call(twilio, office), text=f"To={CALLER}")
    shown = callisi("logs", "alerts").out
    assert "32010" in shown
    assert "SCL_1" in shown
    assert "the trunk has no valid origination URL; run `callisi provision`" in shown
    assert CALLER not in callisi("logs", "alerts", "--json").out


@pytest.mark.parametrize("kind", ["calls", "messages"])
def test_numbers_are_masked_unless_asked_for(
    callisi: Run, office: Office, twilio: TwilioServer, kind: str
) -> None:
    a_call(twilio, office)
    masked, shown = callisi("logs", kind).out, callisi("logs", kind, "--numbers").out
    assert CALLER not in masked
    assert STAFF not in masked
    assert OURS in shown


def test_a_price_that_is_not_there_is_not_rated_yet(
    callisi: Run, office: Office, twilio: TwilioServer
) -> None:
    a_call(twilio, office, price=None)
    assert "not rated yet" in callisi("logs", "calls").out
    assert callisi("logs", "calls", "--json").json["entries"][0]["price"] is None


def test_every_page_is_read_and_not_one_more_than_needed(
    callisi: Run, office: Office, twilio: TwilioServer
) -> None:
    for n in range(230):
        part(twilio, "calls").add(CALLER, OURS, began=datetime.now(UTC) - timedelta(seconds=10 + n))
    part(twilio, "calls").add(CALLER, OURS, began=datetime.now(UTC) - timedelta(hours=30))
    assert len(callisi("logs", "calls", "--limit", "500", "--json").json["entries"]) == 230
    assert len(twilio.log.of("call_list")) == 3
    assert len(callisi("logs", "calls", "--limit", "5", "--json").json["entries"]) == 5
    assert len(twilio.log.of("call_list")) == 4


def test_what_is_older_than_asked_for_is_left_out(callisi: Run, office: Office, twilio: TwilioServer) -> None:
    now = datetime.now(UTC)
    kept = part(twilio, "calls").add(CALLER, OURS, began=now - timedelta(minutes=50))["sid"]
    part(twilio, "calls").add(CALLER, OURS, began=now - timedelta(minutes=70))
    part(twilio, "alerts").add(32010, ago=timedelta(minutes=50))
    part(twilio, "alerts").add(32011, ago=timedelta(minutes=70))
    calls = callisi("logs", "calls", "--since", "1h", "--json").json["entries"]
    alerts = callisi("logs", "alerts", "--since", "1h", "--json").json["entries"]
    assert [one["sid"] for one in calls] == [kept]
    assert [one["code"] for one in alerts] == ["32010"]


def test_without_a_ledger_nothing_is_ours(callisi: Run, twilio: TwilioServer) -> None:
    part(twilio, "calls").add(CALLER, OURS)
    assert callisi("logs", "calls", "--json").json["ledger"] is False
    assert "which of them are ours is not known" in callisi("logs", "calls").out


@pytest.mark.parametrize(
    ("fault", "what", "mend"),
    [
        ("status:401", "Twilio refuses the credentials", "TWILIO_AUTH_TOKEN"),
        ("status:403", "Twilio forbids it", "a key with all rights"),
        ("status:404", "Twilio does not find it", "TWILIO_ACCOUNT_SID"),
        ("status:429", "Twilio has had too many requests", "wait a minute"),
        ("status:500", "Twilio has a fault of its own (500)", "status.twilio.com"),
        ("status:503", "Twilio has a fault of its own (503)", "status.twilio.com"),
        ("drop", "Twilio does not answer", "TWILIO_API_BASE"),
    ],
)
def test_each_refusal_is_one_sentence(
    callisi: Run, twilio: TwilioServer, fault: str, what: str, mend: str
) -> None:
    twilio.faults.add("call_list", fault)
    shown = callisi("logs", "calls")
    assert shown.code == 1
    assert len(shown.err.splitlines()) == 1
    assert what in shown.err
    assert mend in shown.err


@pytest.mark.parametrize(
    ("kind", "operation"), [("calls", "call_list"), ("messages", "message_list"), ("alerts", "alert_list")]
)
def test_a_twilio_that_hangs_is_one_sentence(
    callisi: Run, twilio: TwilioServer, monkeypatch: pytest.MonkeyPatch, kind: str, operation: str
) -> None:
    monkeypatch.setenv("CALLISI_PATIENCE_SECONDS", "1")
    twilio.faults.add(operation, "hang", times=None)
    shown = callisi("logs", kind)
    assert (shown.code, shown.out) == (1, "")
    assert shown.err == ("error: Twilio does not answer within 1 s; see status.twilio.com, then ask again\n")
    assert len(twilio.log.of(operation)) == 1


def test_without_an_account_the_variables_are_named(callisi: Run, office: Office) -> None:
    shown = callisi("logs", "calls")
    assert shown.code == 1
    assert "TWILIO_ACCOUNT_SID" in shown.err


def test_followed_rows_are_printed_once_until_ctrl_c(office: Office, twilio: TwilioServer) -> None:
    first = a_call(twilio, office)
    with following("calls") as process:
        assert json.loads(line_of(process.stdout))["sid"] == first
        part(twilio, "calls").add(CALLER, OURS, status="in-progress")
        second = part(twilio, "calls").add(CALLER, OURS)["sid"]
        assert json.loads(line_of(process.stdout))["sid"] == second
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=30)
    assert (process.returncode, rest) == (130, "")


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ("status:503", "Twilio has a fault of its own (503)"),
        ("status:429", "Twilio has had too many requests (429)"),
        ("drop", "Twilio does not answer"),
    ],
)
def test_following_goes_on_when_what_was_wrong_has_passed(
    office: Office, twilio: TwilioServer, fault: str, what: str
) -> None:
    twilio.faults.add("call_list", fault, times=2)
    sid = a_call(twilio, office)
    with following("calls", stderr=subprocess.PIPE) as process:
        assert json.loads(line_of(process.stdout))["sid"] == sid
        process.send_signal(signal.SIGINT)
        rest, said = process.communicate(timeout=30)
    assert (process.returncode, rest) == (130, "")
    lines = said.splitlines()
    assert [what in one and one.endswith("looking again in 0.1 s") for one in lines[:2]] == [True, True], said
    assert "Traceback" not in said


def test_following_ends_when_what_is_wrong_does_not_pass(office: Office, twilio: TwilioServer) -> None:
    a_call(twilio, office)
    with following("calls", stderr=subprocess.PIPE) as process:
        line_of(process.stdout)
        twilio.faults.add("call_list", "status:401", times=None)
        rest, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (1, "")
    assert json.loads(rest)["problems"][0]["message"] == "Twilio refuses the credentials (401)"


def test_what_it_did_cost_is_twilios_bill_and_our_share(
    callisi: Run, office: Office, twilio: TwilioServer, root: str
) -> None:
    a_call(twilio, office)
    part(twilio, "calls").add("+4930999999999", OURS, price="-0.5000")
    part(twilio, "usage").add("trunking-origination", "0.5085", count=2, usage=3)
    part(twilio, "usage").add("totalprice", "0.5985")
    document = callisi("cost", root, "--actual", "--since", "1d", "--json").json
    assert document["account"]["total"] == {"price": "0.5985", "currency": "USD"}
    assert [one["category"] for one in document["account"]["categories"]] == ["trunking-origination"]
    assert document["ours"]["calls"]["prices"] == [{"price": "0.0085", "currency": "USD"}]
    assert document["ours"]["messages"]["prices"] == [{"price": "0.0900", "currency": "USD"}]
    assert "total: 0.5985 USD" in callisi("cost", root, "--actual", "--since", "1d").out


def test_what_it_did_cost_is_read_from_every_page(
    callisi: Run, office: Office, twilio: TwilioServer, root: str
) -> None:
    a_call(twilio, office)
    for _ in range(130):
        part(twilio, "calls").add("+4930999999999", OURS, price="-1.0000", seconds=1)
    ours = callisi("cost", root, "--actual", "--since", "1d", "--json").json["ours"]
    assert ours["calls"] == {
        "records": 1,
        "prices": [{"price": "0.0085", "currency": "USD"}],
        "not_rated": 0,
        "not_found": 0,
    }
    assert len(twilio.log.of("call_list")) == 2


def test_what_is_not_rated_yet_is_counted_and_not_free(
    callisi: Run, office: Office, twilio: TwilioServer, root: str
) -> None:
    a_call(twilio, office, price=None)
    ours = callisi("cost", root, "--actual", "--since", "1d", "--json").json["ours"]
    assert ours["calls"] == {"records": 1, "prices": [], "not_rated": 1, "not_found": 0}
    assert "1 not rated yet" in callisi("cost", root, "--actual", "--since", "1d").out


@pytest.fixture
def root() -> str:
    """The agent's file, from wherever the test stands."""
    from pathlib import Path

    return str(Path(__file__).parents[3] / "agents" / "clara.yaml")


def test_one_call_is_told_with_the_likeliest_cause(
    callisi: Run, office: Office, twilio: TwilioServer
) -> None:
    part(twilio, "alerts").add(32011, resource_sid=a_call(twilio, office))
    document = callisi("rca", "SCL_1", "--json").json
    assert [one["name"] for one in document["causes"]][:2] == ["twilio-32011", "twilio-30003"]
    assert {one["source"] for one in document["steps"]} == {"ledger", "Twilio"}
    assert document["not_asked"] == [
        "LiveKit: LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET are not all set"
    ]
    shown = callisi("rca", "SCL_1").out
    assert "most likely: the SIP address does not answer" in shown
    assert CALLER not in shown


def test_a_livekit_that_answers_is_in_the_story(
    callisi: Run, office: Office, twilio: TwilioServer, livekit: LiveKitServer
) -> None:
    a_call(twilio, office)
    livekit.rooms.join_caller("call-1", CALLER)
    document = callisi("rca", "SCL_1", "--json").json
    assert document["not_asked"] == []
    assert "has the call's room now; in it: telephone" in [one["what"] for one in document["steps"]]
    shown = callisi("rca", "SCL_1").out
    assert "not asked" not in shown
    assert CALLER not in shown


def test_a_twilio_that_is_silent_is_named_and_the_rest_is_told(
    callisi: Run, office: Office, twilio: TwilioServer
) -> None:
    a_call(twilio, office)
    twilio.faults.add("call_fetch", "status:503")
    shown = callisi("rca", "SCL_1")
    assert shown.code == 0
    assert "Twilio: Twilio has a fault of its own" in shown.out
    assert "the call ended: rang_out" in shown.out

"""The machine: its clock against the providers', its disk, and the SIP service that the carrier calls."""

from __future__ import annotations

import os
import socket
import time
from email.utils import formatdate

import pytest
from aiohttp import web

from callisi_runtime.doctor.sip import SipAddress, unknown_name
from callisi_runtime.doctor.twilio import skew_of

from .conftest import Office
from .sip_peer import SipPeer


async def test_a_clock_that_is_right_is_found_right(office: Office) -> None:
    found = await office.finding("clock")
    assert [one.what for one in found] == [
        "this machine's clock agrees with LiveKit's",
        "this machine's clock agrees with Twilio's",
    ]


@pytest.mark.parametrize(
    ("ahead", "state", "what"),
    [(300, "problem", "behind LiveKit's"), (-20, "warning", "ahead of LiveKit's")],
)
async def test_a_clock_that_is_wrong_is_found_wrong(
    office: Office, ahead: int, state: str, what: str
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(headers={"Date": formatdate(time.time() + ahead, usegmt=True)})

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    office.environ["LIVEKIT_URL"] = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        found, _ = await office.finding("clock")
    finally:
        await runner.cleanup()
    assert (found.state, what in found.what, "set-ntp" in (found.mend or "")) == (state, True, True), found


def test_a_date_that_is_none_says_nothing_about_the_clock() -> None:
    assert [skew_of(None, 0.0), skew_of("soon", 0.0)] == [None, None]
    assert skew_of("Thu, 01 Jan 1970 00:00:10 GMT", 4.0) == 6.0


async def test_a_place_without_room_is_a_problem(office: Office) -> None:
    office.environ["CALLISI_CACHE"] = "/proc/callisi"
    found = await office.finding("disk")
    assert next(one.what for one in found if one.state == "problem") == "0 MB are left for the sentences"


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
async def test_a_folder_that_cannot_be_written_is_a_problem(office: Office) -> None:
    closed = office.folder / "closed"
    closed.mkdir(mode=0o500)
    office.environ["CALLISI_CACHE"] = str(closed / "cache")
    found = await office.finding("disk")
    assert [one.what for one in found] == [f"{closed} cannot be written, where the sentences should lie"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("sip:x.sip.livekit.cloud", ("x.sip.livekit.cloud", 5060, "tcp")),
        ("x.sip.livekit.cloud", ("x.sip.livekit.cloud", 5060, "tcp")),
        ("sip:x.sip.livekit.cloud;transport=tls", ("x.sip.livekit.cloud", 5061, "tls")),
        ("sip:192.0.2.7:5070;transport=udp", ("192.0.2.7", 5070, "udp")),
        ("sip:X.SIP.livekit.cloud;edge=frankfurt", ("x.sip.livekit.cloud", 5060, "tcp")),
    ],
)
def test_a_sip_address_is_taken_apart(text: str, wanted: tuple[str, int, str]) -> None:
    found = SipAddress.parse(text)
    assert found is not None
    assert (found.host, found.port, found.transport) == wanted


async def test_a_sip_service_is_asked_politely(office: Office) -> None:
    await office.finding("SIP address")
    (asked,) = office.sip.asked
    assert asked.startswith("OPTIONS sip:127.0.0.1 SIP/2.0\r\n")
    assert "\r\nCSeq: 1 OPTIONS\r\n" in asked


@pytest.mark.parametrize(
    ("says", "what"),
    [("SSH-2.0-OpenSSH", "does not speak SIP"), (None, "no SIP service answers"), ("", "does not speak SIP")],
)
async def test_what_does_not_speak_sip_is_a_problem(office: Office, says: str | None, what: str) -> None:
    office.patience = 0.5
    async with SipPeer(says) as peer:
        office.environ["LIVEKIT_SIP_URI"] = f"sip:127.0.0.1:{peer.port};transport=tcp"
        (found,) = await office.finding("SIP address")
    assert (found.state, what in found.what) == ("problem", True), found


def test_a_name_that_does_not_exist_is_a_problem_and_one_that_cannot_be_looked_up_is_none() -> None:
    assert unknown_name("x.invalid", socket.gaierror(socket.EAI_NONAME, "")).state == "problem"
    assert unknown_name("x.invalid", socket.gaierror(socket.EAI_AGAIN, "")).state == "skipped"

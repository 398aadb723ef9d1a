"""The app of `callisi serve`: what staff and Twilio reach, and what is locked."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from callisi_runtime.ledger import CallRow, Ledger, Note, Step, reference_for
from callisi_runtime.loopback.twilio import AUTH_TOKEN, signature
from callisi_runtime.phone import written
from callisi_runtime.plan.links import links_of
from callisi_runtime.settings import Settings
from callisi_runtime.web.app import serve_app

from .browser import Browser, Page, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NOTE = "call-1:1"
STAFF = "+4917012345678"
HOST = "calls.example.org"
PUBLIC = f"https://{HOST}"
SETTINGS = Settings(
    callisi_public_url=PUBLIC,
    twilio_auth_token=AUTH_TOKEN,
    callisi_secret="geheim",
    callisi_serve_token="auf",
)
LINKS = links_of(SETTINGS)
assert LINKS is not None
LINK = LINKS.of(NOTE, reference_for(NOTE), 0, STAFF).removeprefix(PUBLIC)


@dataclass
class Site:
    ledger: Ledger
    browser: Browser

    async def here(self, path: str, **headers: str) -> Page:
        """Asked from the machine itself, by its own address."""
        return await self.browser.get(path, Host="127.0.0.1", **headers)

    async def owner(self) -> str | None:
        (row,) = await self.ledger.obligations(open_only=False)
        return row.claimed_by

    async def counts(self) -> dict[str, int]:
        counts: dict[str, int] = (await self.here("/twilio/counts")).json()
        return counts

    async def texted(self, body: str, sid: str = "SM1", forged: str | None = None) -> Page:
        form = {"MessageSid": sid, "From": STAFF, "To": "+4930123456", "Body": body, "MediaUrl0": ""}
        genuine = signature(AUTH_TOKEN, f"{PUBLIC}/twilio/inbound", form)
        return await self.browser.post("/twilio/inbound", form, X_Twilio_Signature=forged or genuine)


async def make_site(local: bool = True, settings: Settings = SETTINGS) -> AsyncIterator[Site]:
    ledger = Ledger("sqlite://")
    await ledger.open()
    await ledger.begin_call(CallRow("call-1", "clara", "+4930777777", ledger.clock(), "room"))
    route = (Step("sms", STAFF, options={"name": "Anna"}), Step("sms", "+4917099999999"))
    body = {"texts": ["Bitte Rückruf"]}
    await ledger.arm(Note(NOTE, "call-1", "clara", body, route, reference_for(NOTE)), due_in=0)
    (row,) = await ledger.claim(1, lease=60)
    await ledger.taken(row, "SM0", poll_in=None)
    async with serving(serve_app(ledger, settings, local=local), HOST) as browser:
        yield Site(ledger, browser)
    await ledger.close()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async for one in make_site():
        yield one


@pytest.fixture
async def far_site() -> AsyncIterator[Site]:
    async for one in make_site(local=False):
        yield one


# ---- the link in the message -----------------------------------------------------------------------------


async def test_opening_the_link_shows_the_caller_and_takes_nothing(site: Site) -> None:
    for _ in range(3):
        shown = await site.browser.get(LINK)
    assert shown.status == 200
    assert written("+4930777777") in shown.text
    assert "Ich rufe zurück" in shown.text
    assert shown.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    assert await site.owner() is None


async def test_the_button_takes_the_callback_and_gives_it_back(site: Site) -> None:
    pressed = await site.browser.post(LINK, {"do": "take"})
    assert (pressed.status, pressed.headers["location"]) == (303, LINK)
    assert await site.owner() == "Anna"
    assert "Zurückgeben" in (await site.browser.get(LINK)).text
    await site.browser.post(LINK, {"do": "back"})
    assert await site.owner() is None
    assert await site.counts() == {"claimed": 1, "freed": 1}


async def test_what_another_has_taken_has_no_button(site: Site) -> None:
    await site.ledger.take_over("call-1", "<b>Otto</b>")
    shown = (await site.browser.get(LINK)).text
    assert "&lt;b&gt;Otto&lt;/b&gt; ruft" in shown
    assert "<button" not in shown


@pytest.mark.parametrize(
    "bend",
    [
        lambda link: link[:-1] + ("A" if link[-1] != "A" else "B"),
        lambda link: link.replace("/0/", "/1/"),
        lambda link: link.replace(reference_for(NOTE), "ZZZZ"),
        lambda link: link.replace("/0/", "/99/"),
    ],
)
async def test_a_bent_link_opens_nothing(site: Site, bend: object) -> None:
    assert callable(bend)
    assert (await site.browser.get(bend(LINK))).status == 404
    assert (await site.browser.post(bend(LINK), {"do": "take"})).status == 404
    assert await site.owner() is None
    assert await site.counts() == {"forged": 2}


async def test_a_button_that_is_none_is_malformed(site: Site) -> None:
    assert (await site.browser.post(LINK, {"do": "everything"})).status == 400
    assert (await site.browser.post(LINK, b"{}", Content_Type="application/json")).status == 400
    assert (await site.browser.post(LINK, {"do": "x" * 20_000})).status == 413
    assert (await site.browser.get(LINK.replace("/0/", "/zero/"))).status == 400
    assert await site.counts() == {"malformed": 3, "oversize": 1}


# ---- what staff writes -----------------------------------------------------------------------------------


async def test_an_answer_takes_the_callback_once_however_often_it_is_reported(site: Site) -> None:
    answers = [await site.texted("1") for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert answers[0].text.endswith("<Response/>")
    assert await site.owner() == "Anna"
    assert await site.counts() == {"claimed": 1, "repeated": 2}


async def test_a_forged_answer_takes_nothing(site: Site) -> None:
    assert (await site.texted("1", forged="bm90IGl0")).status == 403
    assert await site.owner() is None
    assert await site.ledger.inbound() == []
    assert await site.counts() == {"forged": 1}


async def test_an_answer_from_nobody_is_malformed(site: Site) -> None:
    form = {"Body": "1"}
    genuine = signature(AUTH_TOKEN, f"{PUBLIC}/twilio/inbound", form)
    answer = await site.browser.post("/twilio/inbound", form, X_Twilio_Signature=genuine)
    assert answer.status == 400
    assert await site.counts() == {"malformed": 1}


async def test_a_flood_and_what_is_no_form_are_refused_and_counted(site: Site) -> None:
    assert (await site.texted("1" * 20_000)).status == 413
    assert (await site.browser.post("/twilio/inbound", b"{}", Content_Type="application/json")).status == 400
    assert await site.ledger.inbound() == []
    assert await site.owner() is None
    assert await site.counts() == {"oversize": 1, "malformed": 1}


async def test_while_the_token_is_changed_either_signs() -> None:
    changing = dataclasses.replace(SETTINGS, twilio_secondary_auth_token="2" * 32)
    async for site in make_site(settings=changing):
        assert (await site.texted("1")).status == 200
        form = {"MessageSid": "SM2", "From": STAFF, "To": "+4930123456", "Body": "2"}
        new = signature("2" * 32, f"{PUBLIC}/twilio/inbound", form)
        assert (await site.browser.post("/twilio/inbound", form, X_Twilio_Signature=new)).status == 200
        other = signature("3" * 32, f"{PUBLIC}/twilio/inbound", form)
        assert (await site.browser.post("/twilio/inbound", form, X_Twilio_Signature=other)).status == 403
        assert await site.counts() == {"claimed": 1, "freed": 1, "forged": 1}


async def test_a_genuine_answer_in_another_name_is_forged(site: Site) -> None:
    form = {"MessageSid": "SM1", "From": "+4915111111111", "To": "+4930123456", "Body": "1"}
    genuine = signature(AUTH_TOKEN, f"{PUBLIC}/twilio/inbound", form)
    bent = await site.browser.post("/twilio/inbound", form | {"From": STAFF}, X_Twilio_Signature=genuine)
    assert bent.status == 403
    assert await site.owner() is None


# ---- what is locked --------------------------------------------------------------------------------------


async def test_on_the_machine_itself_the_list_is_open(site: Site) -> None:
    shown = await site.here("/")
    assert shown.status == 200
    assert "+4930777777" in shown.text
    assert "nobody yet" in shown.text


@pytest.mark.parametrize("path", ["/", "/twilio/counts"])
async def test_through_a_proxy_it_is_not(site: Site, path: str) -> None:
    assert (await site.browser.get(path)).status == 401
    assert (await site.here(path, X_Forwarded_For="203.0.113.9")).status == 401


async def test_elsewhere_a_token_opens_it(far_site: Site) -> None:
    assert (await far_site.here("/")).status == 401
    assert (await far_site.browser.get("/", Authorization="Bearer auf")).status == 200
    assert (await far_site.browser.get("/", Authorization="Bearer zu")).status == 401


async def test_a_browser_logs_in_and_stays(far_site: Site) -> None:
    page = await far_site.browser.get("/", Accept="text/html")
    assert page.headers["location"] == "/login"
    answer = await far_site.browser.post("/login", {"token": "auf"})
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "secure", "samesite=strict"))
    assert (await far_site.browser.get("/")).status == 200


async def test_a_cookie_cannot_be_made_up(far_site: Site) -> None:
    for cookie in ("99999999999.", "99999999999.00", "x", f"{2**70}.a"):
        assert (await far_site.browser.get("/", Cookie=f"callisi={cookie}")).status == 401


async def test_without_a_token_nobody_gets_in() -> None:
    async for site in make_site(local=False, settings=replace(SETTINGS, callisi_serve_token=None)):
        assert (await site.browser.get("/", Authorization="Bearer ")).status == 401
        assert (await site.browser.post("/login", {"token": ""})).status == 403
        assert "nobody can log in" in (await site.browser.get("/login")).text


async def test_healthz_tells_strangers_only_whether_the_ledger_answers(far_site: Site) -> None:
    assert (await far_site.browser.get("/healthz")).json() == {"ok": True}

"""With --live a message is followed to its end, a telephone rings and is let go, and the emergency route is read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from callisi_runtime.doctor import Result, examine
from callisi_runtime.doctor.twiml import judged
from callisi_runtime.loopback.deepgram import DeepgramServer
from callisi_runtime.loopback.openai import OpenAIServer
from callisi_runtime.loopback.recognise import ScriptedRecogniser
from callisi_runtime.loopback.telephones import Phone
from callisi_runtime.loopback.twilio_spec import SpecChecker
from callisi_runtime.loopback.voice import ToneVoice

from .breaking import WHATSAPP
from .conftest import LONGEST, MOBILE, OURS, STAFF, Office


async def tried(office: Office, check: str) -> list[Result]:
    return (await examine(office.patient(live=True), only={check}, longest=LONGEST))[check]


@pytest.mark.parametrize("check", ["provider keys", "a message", "a call", "emergency route tried"])
async def test_without_live_nothing_is_tried(office: Office, check: str) -> None:
    (found,) = await office.finding(check)
    assert (found.state, found.what) == ("skipped", "tried with --live only")
    assert office.twilio.messages == {}
    assert office.livekit.log.of("CreateSIPParticipant") == []


# -- a message ------------------------------------------------------------------------------------------------


async def test_a_message_that_arrives_is_well(office: Office) -> None:
    office.twilio.will(MOBILE, "delivered")
    assert await tried(office, "a message") == [Result("ok", "the SMS has arrived")]
    (sent,) = office.twilio.messages.values()
    assert (sent.to, "Probe" in sent.form["Body"]) == (MOBILE, True)


async def test_a_message_that_is_lost_says_why(office: Office) -> None:
    office.twilio.will(MOBILE, "undelivered", error_code=30006)
    (found,) = await tried(office, "a message")
    assert (found.state, found.what) == (
        "problem",
        "the SMS was lost: 30006 a landline, or a carrier out of reach",
    )
    assert found.mend == "use a mobile number"


@pytest.mark.parametrize(("code", "what"), [(63015, "not in the sandbox"), (63016, "over 24 hours")])
async def test_what_only_a_message_shows_of_whatsapp_is_explained(
    office: Office, code: int, what: str
) -> None:
    office.extend("", "forward_whatsapp")
    office.environ["TWILIO_WHATSAPP_TO"] = f"whatsapp:{MOBILE}"
    office.twilio.will("*", "failed", error_code=code)
    (found,) = await tried(office, "a message")
    assert (found.state, f"{code} " in found.what, what in found.what) == ("problem", True, True), found


async def test_a_message_that_is_refused_is_not_sent_again(office: Office) -> None:
    office.twilio.faults.add("sms", "status:500", times=None)
    (found,) = await tried(office, "a message")
    assert found.what == "the SMS: Twilio has a fault of its own (500)"
    assert len(office.twilio.log.of("sms")) == 1


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ("status:401", "the SMS: Twilio refuses the credentials (401)"),
        ("status:429", "the SMS: Twilio has had too many requests (429)"),
        ("hang", "the SMS: Twilio does not answer within 1 s"),
        ("drop", "the SMS: Twilio does not answer"),
    ],
)
async def test_a_message_that_twilio_does_not_take_says_why(office: Office, fault: str, what: str) -> None:
    office.patience = 1 if fault == "hang" else office.patience
    office.twilio.faults.add("sms", fault, times=None)
    (found,) = await tried(office, "a message")
    assert (found.state, found.what) == ("problem", what)
    assert len(office.twilio.log.of("sms")) == 1


MESSAGES = {
    "forward_sms": {"sms": ("ValidityPeriod", "600")},
    "forward_whatsapp": {"whatsapp": ("From", "whatsapp:+14155238886")},
    "template": {"whatsapp": ("ContentVariables", '"1"')},
}
"""What is sent -> the channel, and a field of its request."""


@pytest.mark.parametrize("kind", MESSAGES)
async def test_what_is_sent_stands_in_twilios_own_description(
    office: Office, checker: SpecChecker | None, kind: str
) -> None:
    if checker is None:
        pytest.skip("Twilio's OpenAPI files are absent: set CALLISI_TWILIO_OAI")
    office.twilio.checker, office.patience = checker, 60.0
    if kind == "template":
        template = office.part("contents").add("callback", "Bitte {{1}} anrufen.", status="approved")
        template.variables = {"1": "+49 30 1234567"}
        office.part("senders").add(OURS)
        office.extend(WHATSAPP % template.sid)
    else:
        office.extend("", kind)
        office.environ["TWILIO_WHATSAPP_TO"] = f"whatsapp:{MOBILE}"
    office.twilio.will("*", "delivered")
    (found,) = await tried(office, "a message")
    assert found.state == "ok", found
    ((channel, (field, value)),) = MESSAGES[kind].items()
    (asked,) = office.twilio.log.of(channel)
    assert isinstance(asked.body, dict)
    assert value in asked.body[field]
    assert office.twilio.violations == []
    assert len(office.twilio.log.of("message_fetch")) >= 1


# -- a call ---------------------------------------------------------------------------------------------------


async def test_a_telephone_rings_and_is_let_go(office: Office) -> None:
    office.livekit.telephones.will("*", Phone("no_answer"))
    (found,) = await tried(office, "a call")
    assert found == Result("ok", "the person's telephone rings")
    (dialled,) = office.livekit.log.of("CreateSIPParticipant")
    assert isinstance(dialled.body, dict)
    assert dialled.body["sip_call_to"] == STAFF
    assert office.livekit.rooms.rooms == {}, "nobody is left ringing"


@pytest.mark.parametrize(
    ("phone", "state", "what"),
    [
        ("answered", "ok", "was picked up"),
        ("busy", "ok", "which is busy"),
        ("unavailable", "warning", "did not ring (480)"),
        ("unreachable", "problem", "no such number (404)"),
        ("declined", "problem", "was refused (603)"),
        ("misconfigured", "problem", "does not let us call"),
        ("required_auth", "problem", "does not let us call"),
        ("provider_down", "problem", "failed on its way (503)"),
    ],
)
async def test_how_a_call_ends_is_explained(office: Office, phone: str, state: str, what: str) -> None:
    office.livekit.telephones.will("*", phone)
    (found,) = await tried(office, "a call")
    assert (found.state, what in found.what) == (state, True), found
    assert office.livekit.rooms.rooms == {}


@pytest.mark.parametrize("operation", ["CreateSIPParticipant", "ListParticipants"])
async def test_a_livekit_that_hangs_is_one_sentence_and_no_telephone_that_rings(
    office: Office, operation: str
) -> None:
    office.patience = 1
    office.livekit.telephones.will("*", Phone("no_answer"))
    office.livekit.faults.add(operation, "hang", times=None)
    office.livekit.faults.add("DeleteRoom", "hang", times=None)
    (found,) = await tried(office, "a call")
    assert (found.state, "livekit-sip" in (found.mend or "")) == ("problem", True)
    assert found.what == f"{office.livekit.url} does not answer within 1 s when it is asked to call"


# -- the emergency route --------------------------------------------------------------------------------------


@asynccontextmanager
async def twiml(office: Office, text: str, status: int = 200) -> AsyncIterator[list[dict[str, str]]]:
    """The trunk's disaster recovery URL answers with this; yields what it was asked."""
    asked: list[dict[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append({name: str(value) for name, value in (await request.post()).items()})
        return web.Response(text=text, status=status, content_type="text/xml")

    app = web.Application()
    app.router.add_post("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    office.trunk["disaster_recovery_url"] = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        yield asked
    finally:
        await runner.cleanup()


async def test_the_emergency_route_is_asked_as_twilio_asks_it(office: Office) -> None:
    text = f"<Response><Dial>{STAFF}</Dial><Say>Bitte später.</Say></Response>"
    async with twiml(office, text) as asked:
        (found,) = await tried(office, "emergency route tried")
    assert (found.state, "rings somebody, and speaks" in found.what) == ("ok", True), found
    assert asked[0]["AccountSid"] == office.twilio.account_sid


async def test_what_provision_writes_for_the_emergency_is_found_well(office: Office) -> None:
    from callisi_runtime.provision.twiml import emergency_twiml

    patient = office.patient(live=True)
    await examine(patient, only=set())
    async with twiml(office, emergency_twiml(patient.known_spec(), patient.settings)):
        (found,) = await tried(office, "emergency route tried")
    assert found.state == "ok", found


async def test_an_emergency_route_that_answers_an_error_is_a_problem(office: Office) -> None:
    async with twiml(office, "gone", 404):
        (found,) = await tried(office, "emergency route tried")
    assert (found.state, found.what) == ("problem", "the disaster recovery URL answers 404")
    (found,) = await tried(office, "emergency route tried")
    assert found.what == "the disaster recovery URL does not answer"


@pytest.mark.parametrize(
    ("text", "state", "what"),
    [
        ("<html/>", "problem", "not answer with TwiML"),
        ("<Response", "problem", "not answer with TwiML"),
        ("<!DOCTYPE x [<!ENTITY a 'a'>]><Response/>", "problem", "not answer with TwiML"),
        ("<Response><Say>Hallo</Say></Response>", "problem", "rings nobody"),
        (f"<Response><Dial>{STAFF}</Dial></Response>", "warning", "in silence"),
        (f"<Response><Say>x</Say><Dial>{STAFF}</Dial></Response>", "warning", "in silence"),
        ("<Response><Dial>+4930901820199</Dial><Say>x</Say></Response>", "warning", "does not dial"),
        (f"<Response><Dial><Number>{STAFF}</Number></Dial><Record/></Response>", "problem", "not told"),
        (f"<Response><Dial>{STAFF}</Dial><Say>x</Say><Record/></Response>", "warning", "begins anew"),
        (f'<Response><Dial>{STAFF}</Dial><Say>x</Say><Record action="/t"/></Response>', "ok", "records"),
    ],
)
def test_twiml_is_read_as_a_caller_would_hear_it(text: str, state: str, what: str) -> None:
    found = judged(text, {STAFF})
    assert (found.state, what in found.what) == (state, True), found


# -- keys -----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def providers(office: Office) -> AsyncIterator[tuple[OpenAIServer, DeepgramServer]]:
    async with (
        OpenAIServer(voice=ToneVoice()) as openai,
        DeepgramServer(recogniser=ScriptedRecogniser(), endpoint_silence=0.2) as deepgram,
    ):
        office.environ["OPENAI_BASE_URL"] = f"{openai.url}/v1"
        office.environ["DEEPGRAM_BASE_URL"] = f"{deepgram.url}/v1/listen"
        yield openai, deepgram


async def test_each_key_is_tried_once(office: Office) -> None:
    async with providers(office) as (openai, deepgram):
        found = await tried(office, "provider keys")
        assert {(one.state, one.what) for one in found} == {
            ("ok", "openai takes OPENAI_API_KEY"),
            ("ok", "deepgram takes DEEPGRAM_API_KEY"),
        }
        assert [len(openai.log.entries), len(deepgram.log.entries)] == [1, 1]


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ("status:401", "refuses OPENAI_API_KEY (401)"),
        ("status:403", "refuses OPENAI_API_KEY (403)"),
        ("status:404", "answers 404"),
        ("status:429", "takes no more requests (429)"),
        ("status:500", "a fault of its own (500)"),
        ("hang", "does not answer within 1 s"),
        ("drop", "does not answer"),
    ],
)
async def test_a_key_that_is_not_taken_is_a_problem(office: Office, fault: str, what: str) -> None:
    if fault == "hang":
        office.patience = 1
    async with providers(office) as (openai, _):
        openai.faults.add("*", fault, times=None)
        found = await tried(office, "provider keys")
    assert [what in one.what for one in found if one.state == "problem"] == [True], found


async def test_a_model_that_the_key_may_not_use_is_a_warning(office: Office) -> None:
    office.extend("voice: {llm: openai/gpt-99}\n")
    async with providers(office):
        found = await tried(office, "provider keys")
    assert ["gpt-99 is not among its models" in one.what for one in found if one.state == "warning"] == [True]

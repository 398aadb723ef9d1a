"""Message templates: the real Twilio library against the loopback, all of it checked against Twilio's OpenAPI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from twilio.base.exceptions import TwilioRestException

from callisi_runtime.loopback.twilio_content import Contents, refused_by_meta
from tests.loopback.asking import call

if TYPE_CHECKING:
    from callisi_runtime.loopback.twilio import TwilioServer

BODY = "Clara: Bitte Rückruf an {{1}}, {{2}} Uhr."


class Form:
    """A body with what is set, and no nulls for what is not."""

    def __init__(self, **fields: Any) -> None:
        self._fields = fields

    def to_dict(self) -> dict[str, Any]:
        return self._fields


async def created(server: TwilioServer, body: str = BODY, name: str = "callisi_clara") -> Any:
    wanted = Form(
        friendly_name=name, language="de", variables={"1": "+4930"}, types={"twilio/text": {"body": body}}
    )
    return await call(server, lambda client: client.content.v1.contents.create(wanted))


async def submitted(server: TwilioServer, sid: str, name: str = "callisi_clara") -> Any:
    wanted = Form(name=name, category="UTILITY")
    return await call(server, lambda client: client.content.v1.contents(sid).approval_create.create(wanted))


async def looked_at(server: TwilioServer, sid: str) -> dict[str, Any]:
    found = await call(server, lambda client: client.content.v1.contents(sid).approval_fetch().fetch())
    whatsapp: dict[str, Any] = found.whatsapp
    return whatsapp


def contents_of(server: TwilioServer) -> Contents:
    contents = server.parts["contents"]
    assert isinstance(contents, Contents)
    return contents


async def test_a_template_is_created_found_fetched_and_deleted(twilio: TwilioServer) -> None:
    sid = (await created(twilio)).sid
    for n in range(2):
        contents_of(twilio).add(f"somebody_elses_{n}", "Text")
    listed = await call(twilio, lambda client: client.content.v1.contents.list(page_size=2))
    fetched = await call(twilio, lambda client: client.content.v1.contents(sid).fetch())
    assert (len(listed), listed[0].sid) == (3, sid)
    assert (fetched.friendly_name, fetched.language, fetched.types) == (
        "callisi_clara",
        "de",
        {"twilio/text": {"body": BODY}},
    )
    assert await call(twilio, lambda client: client.content.v1.contents(sid).delete())
    with pytest.raises(TwilioRestException) as gone:
        await call(twilio, lambda client: client.content.v1.contents(sid).fetch())
    assert (gone.value.status, gone.value.code) == (404, 20404)


async def test_an_approval_moves_one_status_with_each_look(twilio: TwilioServer) -> None:
    sid = (await created(twilio)).sid
    assert (await looked_at(twilio, sid))["status"] == "unsubmitted"
    assert (await submitted(twilio, sid)).status == "received"
    seen = [(await looked_at(twilio, sid))["status"] for _ in range(4)]
    assert seen == ["received", "pending", "approved", "approved"]


async def test_a_scripted_rejection_comes_with_its_reason(twilio: TwilioServer) -> None:
    contents_of(twilio).will("pending", "rejected", reason="ABUSIVE_CONTENT")
    sid = (await created(twilio)).sid
    await submitted(twilio, sid)
    seen = [await looked_at(twilio, sid) for _ in range(2)]
    assert [(one["status"], one["rejection_reason"]) for one in seen] == [
        ("pending", ""),
        ("rejected", "ABUSIVE_CONTENT"),
    ]


async def test_one_list_shows_every_template_with_its_approval_and_moves_none(twilio: TwilioServer) -> None:
    first, second = (await created(twilio)).sid, (await created(twilio, name="callisi_paula")).sid
    await submitted(twilio, second)
    for _ in range(2):
        listed = await call(twilio, lambda client: client.content.v1.content_and_approvals.list(page_size=1))
        assert {one.sid: one.approval_requests["status"] for one in listed} == {
            first: "unsubmitted",
            second: "received",
        }


async def test_a_name_that_meta_does_not_take_and_a_second_request_are_refused(twilio: TwilioServer) -> None:
    sid = (await created(twilio)).sid
    with pytest.raises(TwilioRestException) as badly_named:
        await submitted(twilio, sid, name="Callisi: Clara")
    await submitted(twilio, sid)
    with pytest.raises(TwilioRestException) as twice:
        await submitted(twilio, sid)
    assert [caught.value.status for caught in (badly_named, twice)] == [400, 400]


@pytest.mark.parametrize(
    "body",
    [
        "{{1}} ist am Telefon.",
        "Bitte Rückruf an {{1}}",
        "Bitte {{1}} {{2}} zurückrufen.",
        "Bitte {{2}} zurückrufen.",
        "x" * 1025,
    ],
)
async def test_what_meta_refuses_for_its_form_is_rejected(twilio: TwilioServer, body: str) -> None:
    sid = (await created(twilio, body)).sid
    await submitted(twilio, sid)
    await looked_at(twilio, sid)
    seen = await looked_at(twilio, sid)
    assert seen["status"] == "rejected"
    assert seen["rejection_reason"] == refused_by_meta(body)


def test_a_good_form_is_not_refused() -> None:
    assert refused_by_meta(BODY) is None


async def test_a_message_with_a_template_shows_its_text(twilio: TwilioServer) -> None:
    sid = (await created(twilio)).sid
    sent = await call(
        twilio,
        lambda client: client.messages.create(
            to="whatsapp:+4915112345678",
            from_="whatsapp:+493023125100",
            content_sid=sid,
            content_variables='{"1": "0171 3920011", "2": "14:05"}',
        ),
    )
    assert sent.body == "Clara: Bitte Rückruf an 0171 3920011, 14:05 Uhr."

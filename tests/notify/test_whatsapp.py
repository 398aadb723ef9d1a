"""WhatsApp over the real Twilio library: approved templates, and the sandbox only where the file says so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from callisi_runtime.notify import Channel, NotifySettings, Reject, build_channels

from .conftest import OFFICE, STAFF, note, step

if TYPE_CHECKING:
    from callisi_runtime.loopback.twilio import TwilioServer

TEMPLATE = "HX" + "a" * 32


@pytest.fixture
def whatsapp(settings: NotifySettings) -> Channel:
    return build_channels(settings)["whatsapp"]


def only(twilio: TwilioServer) -> dict[str, str]:
    (message,) = twilio.messages.values()
    return dict(message.form)


async def test_a_template_goes_out_with_its_variables_and_none_is_empty(
    whatsapp: Channel, twilio: TwilioServer
) -> None:
    variables = {"1": "+4930777", "2": "", "3": "zwei\nZeilen"}
    given = note(step("whatsapp", options={"content_sid": TEMPLATE}), texts=[{"variables": variables}])
    await whatsapp.send(given, given.route[0])
    form = only(twilio)
    assert (form["To"], form["From"], form["ContentSid"]) == (
        f"whatsapp:{STAFF}",
        f"whatsapp:{OFFICE}",
        TEMPLATE,
    )
    assert json.loads(form["ContentVariables"]) == {"1": "+4930777", "2": "-", "3": "zwei Zeilen"}
    assert "Body" not in form


async def test_the_sandbox_takes_free_text(whatsapp: Channel, twilio: TwilioServer) -> None:
    given = note(step("whatsapp", to=f"whatsapp:{STAFF}", options={"sandbox": True}), texts=["„Grüße“ 👍"])
    sent = await whatsapp.send(given, given.route[0])
    assert only(twilio)["Body"] == f"„Grüße“ 👍 Ref {given.reference}"
    assert await whatsapp.find(given, given.route[0]) == sent


async def test_without_template_and_sandbox_nothing_is_tried(whatsapp: Channel) -> None:
    given = note(step("whatsapp"))
    with pytest.raises(Reject, match="content_sid"):
        await whatsapp.send(given, given.route[0])

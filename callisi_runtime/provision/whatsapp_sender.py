"""The WhatsApp sender: registered with Meta by a person in a browser, looked at here, and told where messages go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from callisi_runtime.notify.whatsapp import address
from callisi_runtime.phone import normalise
from callisi_runtime.provision.form import Form
from callisi_runtime.provision.inbound import inbound_url, may_be_taken
from callisi_runtime.provision.resource import Blocked, Found, Resource, Thing
from callisi_runtime.spec.fallback import SANDBOX_NUMBER

if TYPE_CHECKING:
    from callisi_runtime.provision.resource import Fields
    from callisi_runtime.provision.world import World
    from callisi_runtime.spec import WhatsApp

SENDERS: Final = "console.twilio.com, Messaging, Senders, WhatsApp senders"
ONLINE: Final = ("ONLINE", "ONLINE:UPDATING")
REVIEWED: Final = {
    "CREATING": ("Twilio is creating the sender", "Twilio", "minutes"),
    "VERIFYING": ("the number is being verified", "Twilio", "minutes"),
    "PENDING_VERIFICATION": ("the number waits for its verification code", "you", "minutes"),
    "TWILIO_REVIEW": ("Twilio reviews the sender", "Twilio", "some days"),
    "DRAFT": ("the sender is a draft and was never handed in", "you", "an hour, then 1 to 2 weeks of review"),
    "STUBBED": ("the sender was never finished", "you", "an hour, then 1 to 2 weeks of review"),
}
"""State -> what it is, who acts, how long it takes."""
THEN: Final = "callisi provision again"


class WhatsAppSender(Resource):
    """Every sender of the agent's WhatsApp messages: TWILIO_WHATSAPP_FROM, or `from` in the file.

    Never registered and never deleted by us. Its fields are the numbers, and where messages to them go.
    """

    key: ClassVar = "whatsapp-sender"
    title: ClassVar = "WhatsApp: sender"
    needs: ClassVar = ("twilio-account",)

    def skipped(self, world: World) -> str | None:
        """See Resource."""
        return None if whatsapp_channels(world) else "this agent sends no WhatsApp"

    async def find(self, world: World) -> Found:
        """See Resource."""
        numbers = [one for one in senders_of(world) if one not in (None, SANDBOX_NUMBER)]
        if not numbers:
            return Found()
        listed = await world.twilio.read(
            lambda client: client.messaging.v2.channels_senders.list(channel="whatsapp"),
            "its WhatsApp senders",
        )
        held = {number: one for number in numbers for one in listed if one.sender_id == address(number or "")}
        return Found((_thing(held),)) if held else Found()

    async def desired(self, world: World, thing: Thing | None) -> Fields:
        """See Resource."""
        url = inbound_url(world.settings)
        wanted = {}
        for number in senders_of(world):
            if number is None:
                raise _unset()
            if number == SANDBOX_NUMBER:
                raise _sandbox()
            sender = None if thing is None else thing.raw.get(number)
            if sender is None:
                raise _unregistered(number)
            if str(sender.status) not in ONLINE:
                raise _not_online(number, sender)
            if url is not None:
                if not may_be_taken(callback_of(sender), url) and not world.is_adopted(sender.sid):
                    raise _foreign(number, sender)
                wanted[number] = url
        return wanted

    async def create(self, world: World, fields: Fields) -> Thing:
        """Never called: a sender is registered by a person."""
        raise AssertionError("a sender is not registered by a program")

    async def update(self, world: World, thing: Thing, fields: Fields) -> Thing:
        """Messages to the senders come to us; their other addresses stay."""
        held = dict(thing.raw)
        for number, url in fields.items():
            if thing.fields[number] != url:
                held[number] = await self._told(world, held[number], url)
        return _thing(held)

    async def _told(self, world: World, sender: Any, url: str) -> Any:
        kept = {name: value for name, value in (sender.webhook or {}).items() if value is not None}
        form = Form({"webhook": {**kept, "callback_url": url, "callback_method": "POST"}})
        return await world.twilio.write(
            lambda client: client.messaging.v2.channels_senders(sender.sid).update(form),
            "the WhatsApp sender was told where messages go",
        )

    async def delete(self, world: World, thing: Thing) -> None:
        """Never called: see removable."""

    async def removable(self, world: World) -> tuple[Thing, ...]:
        """See Resource."""
        return ()


def whatsapp_channels(world: World) -> list[WhatsApp]:
    """The WhatsApp channels of the agent."""
    channels = world.spec.fallback.channels if world.spec.fallback else ()
    return [channel.whatsapp for channel in channels if channel.whatsapp is not None]


def senders_of(world: World) -> list[str | None]:
    """From whom WhatsApp messages come, in E.164, each once; None where nothing says it."""
    usual = world.setting("twilio_whatsapp_from")
    found = [normalise(one.sender or usual).e164 for one in whatsapp_channels(world)]
    return list(dict.fromkeys(found))


def callback_of(sender: Any) -> str:
    """Where messages to a sender go; empty: nowhere."""
    return str((sender.webhook or {}).get("callback_url") or "")


def _thing(held: dict[str, Any]) -> Thing:
    fields = {number: callback_of(sender) for number, sender in held.items()}
    return Thing(", ".join(str(sender.sid) for sender in held.values()), fields, raw=held)


def _unset() -> Blocked:
    return Blocked(
        "WhatsApp has no sender: TWILIO_WHATSAPP_FROM is not set",
        who="you",
        where=".env: a sender of your own, or the sandbox's whatsapp:+14155238886 for trying out",
        how_long="a minute",
        then=THEN,
    )


def _sandbox() -> Blocked:
    return Blocked(
        "WhatsApp goes through Twilio's sandbox: it reaches only those who have joined, for 3 days, and only within "
        "24 hours of their last message to it",
        who="everybody who gets the messages",
        where="WhatsApp: `join` and the account's words to +1 415 523 8886 (console.twilio.com, Messaging, Try it out)",
        how_long="a minute, and again every 3 days",
        then=f"for a line, register a sender of your own ({SENDERS}; 1 to 2 weeks), set TWILIO_WHATSAPP_FROM to it, "
        f"and {THEN}",
    )


def _unregistered(number: str) -> Blocked:
    return Blocked(
        f"{number} is no WhatsApp sender of this account",
        who="whoever may sign for the business, with its Meta Business account",
        where=SENDERS,
        how_long="an hour to hand in, then Meta's approval: 1 to 2 weeks",
        then=f"{THEN}; until then, the sandbox: TWILIO_WHATSAPP_FROM=whatsapp:{SANDBOX_NUMBER} and sandbox: true",
    )


def _not_online(number: str, sender: Any) -> Blocked:
    status = str(sender.status)
    what, who, how_long = REVIEWED.get(status, (f"the sender is {status}", "you", "as Meta says"))
    reasons = "; ".join(f"{one.get('message')} ({one.get('code')})" for one in sender.offline_reasons or ())
    return Blocked(
        f"{number} cannot send WhatsApp yet: {what}{': ' + reasons if reasons else ''}",
        who=who,
        where=SENDERS,
        how_long=how_long,
        then=THEN,
    )


def _foreign(number: str, sender: Any) -> Blocked:
    return Blocked(
        f"WhatsApp messages to {number} go to {callback_of(sender)}, which is not this agent",
        who="you",
        where=f"callisi provision --adopt {sender.sid} takes them over; without it nobody's answer 1 is seen",
        how_long="a minute",
        then=THEN,
    )

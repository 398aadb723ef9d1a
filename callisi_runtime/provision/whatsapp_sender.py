"""The WhatsApp sender: a number that Meta lets write, registered with Twilio, and told where answers go.

What makes one ours is its friendly name, our tag. Its number cannot: a business may have registered it by hand long
ago. The first sender of an account needs a person, whose sign-up at Meta links the accounts; any other is made here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from callisi_runtime.errors import CallisiError
from callisi_runtime.notify.whatsapp import address
from callisi_runtime.phone import normalise
from callisi_runtime.provision import whatsapp_blocked as blocked
from callisi_runtime.provision.form import Form
from callisi_runtime.provision.inbound import PATH, inbound_url
from callisi_runtime.provision.resource import Found, Marks, Resource, Secret, Thing
from callisi_runtime.spec.fallback import SANDBOX_NUMBER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callisi_runtime.provision.resource import Action, Fields
    from callisi_runtime.provision.world import World
    from callisi_runtime.spec import WhatsApp

ONLINE: Final = ("ONLINE", "ONLINE:UPDATING")
ASKS: Final = "PENDING_VERIFICATION"
CALLBACK, CODE = "callback_url", "verification_code"


class WhatsAppSender(Resource):
    """Every sender of the agent's WhatsApp messages: TWILIO_WHATSAPP_FROM, or `from` in the file.

    Its fields have the sender's number in front: `+49... callback_url`.
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
        listed = await _listed(world)
        held = {number: one for number in numbers for one in listed if one.sender_id == address(number or "")}
        return Found((_thing(held),)) if held else Found()

    async def desired(self, world: World, thing: Thing | None) -> Fields:
        """See Resource."""
        fields: dict[str, Any] = {}
        for number in senders_of(world):
            if number is None:
                raise blocked.unset(world)
            if number == SANDBOX_NUMBER:
                raise blocked.sandbox(world)
            sender = None if thing is None else thing.raw.get(number)
            wanted = await _new(world, number) if sender is None else _kept(world, number, sender)
            fields |= {f"{number} {name}": value for name, value in wanted.items()}
        return fields

    async def create(self, world: World, fields: Fields) -> Thing:
        """See Resource: none of them is there yet."""
        return await self.update(world, _thing({}), fields)

    async def update(self, world: World, thing: Thing, fields: Fields) -> Thing:
        """Registers what is missing, hands in the code, and brings answers here; other addresses stay."""
        held = dict(thing.raw)
        for number, wanted in _by_number(fields).items():
            if number not in held:
                held[number] = await _registered(world, number, wanted)
            elif CODE in wanted:
                held[number] = await _verified(world, held[number], wanted[CODE].value)
                world.refused[self.key] = blocked.not_online(world, number, held[number])
            elif callback_of(held[number]) != wanted[CALLBACK]:
                held[number] = await _told(world, held[number], wanted[CALLBACK])
        return _thing(held)

    async def delete(self, world: World, thing: Thing) -> None:
        """See Resource."""
        await world.twilio.write(
            lambda client: client.messaging.v2.channels_senders(thing.id).delete(),
            "the WhatsApp sender was deleted",
        )

    async def removable(self, world: World) -> tuple[Thing, ...]:
        """Every sender that was registered here for this agent, also of a number that is no longer in use."""
        if self.skipped(world) is not None or not world.twilio.ready:
            return ()
        ours = [one for one in await _listed(world) if is_ours(world, one)]
        return tuple(_thing({one.sender_id.removeprefix("whatsapp:"): one}) for one in ours)

    async def marks(self, world: World, action: Action, thing: Thing | None) -> Marks:
        """See Resource."""
        if action == "delete":
            return Marks(risk="the number sends no WhatsApp until Meta has registered it anew")
        held: Mapping[str, Any] = {} if thing is None else thing.raw
        risks = [
            f"{number} must not be in use in a WhatsApp app, and cannot be from then on; Meta checks the name "
            f"`{world.spec.business.name}` afterwards"
            for number in senders_of(world)
            if number not in held
        ]
        risks += [
            f"answers to {number} no longer go to {callback_of(sender)}"
            for number, sender in held.items()
            if callback_of(sender) not in ("", inbound_url(world.settings))
        ]
        return Marks(risk="; ".join(risks) or None)


def whatsapp_channels(world: World) -> list[WhatsApp]:
    """The WhatsApp channels of the agent."""
    channels = world.spec.fallback.channels if world.spec.fallback else ()
    return [channel.whatsapp for channel in channels if channel.whatsapp is not None]


def senders_of(world: World) -> list[str | None]:
    """From whom WhatsApp messages come, in E.164, each once; None where nothing says it."""
    usual = world.setting("twilio_whatsapp_from")
    found = [normalise(one.sender or usual).e164 for one in whatsapp_channels(world)]
    return list(dict.fromkeys(found))


def is_ours(world: World, sender: Any) -> bool:
    """Whether it was registered here."""
    return bool(sender.friendly_name == world.tag)


def callback_of(sender: Any) -> str:
    """Where messages to a sender go; empty: nowhere that the sender tells."""
    return str((sender.webhook or {}).get(CALLBACK) or "")


def _kept(world: World, number: str, sender: Any) -> dict[str, Any]:
    """How one that is there should be."""
    if str(sender.status) == ASKS and world.options.whatsapp_code:
        return {CODE: Secret(world.options.whatsapp_code)}
    if str(sender.status) not in ONLINE:
        raise blocked.not_online(world, number, sender)
    url, now = inbound_url(world.settings), callback_of(sender)
    if url is None:
        return {}
    # An empty address proves nothing: a Messaging Service or a conversation may have the answers.
    may_change = is_ours(world, sender) or world.is_adopted(sender.sid) or now.endswith(PATH)
    if now != url and not may_change:
        raise blocked.foreign(world, number, sender, now)
    return {CALLBACK: url}


async def _new(world: World, number: str) -> dict[str, Any]:
    """How one is registered that is not there."""
    waba = world.settings.twilio_whatsapp_waba_id or await _waba(world)
    if waba is None:
        raise blocked.first(world, number)
    wanted = {
        "friendly_name": world.tag,
        "display_name": world.spec.business.name,
        "waba_id": waba,
        "verification_method": await _verification(world, number),
    }
    url = inbound_url(world.settings)
    return wanted if url is None else {**wanted, CALLBACK: url}


async def _waba(world: World) -> str | None:
    """The business account that Twilio knows: it takes one per account, so any sender tells it."""
    known = [(one.configuration or {}).get("waba_id") for one in await _listed(world)]
    return next((str(one) for one in known if one), None)


async def _verification(world: World, number: str) -> str:
    """How Meta's code reaches the number: `sms`, which Twilio reads by itself for its own numbers, or `voice`."""
    import phonenumbers

    held = await world.twilio.read(
        lambda c: c.incoming_phone_numbers.list(phone_number=number), "the numbers"
    )
    if held:
        return "sms" if (held[0].capabilities or {}).get("sms") else "voice"
    fixed = phonenumbers.number_type(phonenumbers.parse(number)) == phonenumbers.PhoneNumberType.FIXED_LINE
    return "voice" if fixed else "sms"


async def _listed(world: World) -> list[Any]:
    found: list[Any] = await world.twilio.read(
        lambda client: client.messaging.v2.channels_senders.list(channel="whatsapp"), "its WhatsApp senders"
    )
    return found


async def _registered(world: World, number: str, wanted: Fields) -> Any:
    fields = {
        "sender_id": address(number),
        "friendly_name": wanted["friendly_name"],
        "configuration": {name: wanted[name] for name in ("waba_id", "verification_method")},
        "profile": {"name": wanted["display_name"]},
    }
    if CALLBACK in wanted:
        fields["webhook"] = {CALLBACK: wanted[CALLBACK], "callback_method": "POST"}
    try:
        return await world.twilio.write(
            lambda client: client.messaging.v2.channels_senders.create(Form(fields)),
            "the WhatsApp sender was registered",
        )
    except CallisiError as error:
        raise blocked.refused(world, number, error) from error


async def _verified(world: World, sender: Any, code: str) -> Any:
    form = Form({"configuration": {CODE: code}})
    return await world.twilio.write(
        lambda client: client.messaging.v2.channels_senders(sender.sid).update(form),
        "the WhatsApp sender's verification code was handed in",
    )


async def _told(world: World, sender: Any, url: str) -> Any:
    kept = {name: value for name, value in (sender.webhook or {}).items() if value}
    form = Form({"webhook": {**kept, CALLBACK: url, "callback_method": "POST"}})
    return await world.twilio.write(
        lambda client: client.messaging.v2.channels_senders(sender.sid).update(form),
        "the WhatsApp sender was told where messages go",
    )


def _by_number(fields: Fields) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for key, value in fields.items():
        number, _, name = key.partition(" ")
        found.setdefault(number, {})[name] = value
    return found


def _thing(held: Mapping[str, Any]) -> Thing:
    fields = {f"{number} {CALLBACK}": callback_of(sender) for number, sender in held.items()}
    return Thing(", ".join(str(sender.sid) for sender in held.values()), fields, raw=held)

"""What only a person can do about a WhatsApp sender: who, where, how long, and what then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callisi_runtime.provision.resource import Blocked
from callisi_runtime.provision.twilio_desk import is_final
from callisi_runtime.spec.fallback import SANDBOX_NUMBER

if TYPE_CHECKING:
    from callisi_runtime.errors import CallisiError
    from callisi_runtime.provision.world import World

SENDERS: Final = "console.twilio.com, Messaging, Senders, WhatsApp senders"
SIGNS: Final = "whoever may sign for the business, with its Meta Business account"
ASKED: Final = "you"
REVIEWED: Final = {
    "CREATING": ("Twilio is creating the sender", "Twilio", "minutes"),
    "VERIFYING": ("the number is being verified", "Twilio", "minutes"),
    "TWILIO_REVIEW": ("Twilio reviews the sender", "Twilio", "some days"),
    "DRAFT": ("the sender is a draft and was never handed in", ASKED, "an hour, then 1 to 2 weeks of review"),
    "STUBBED": ("the sender was never finished", ASKED, "an hour, then 1 to 2 weeks of review"),
}
"""State -> what it is, who acts, how long it takes."""
BAD_WABA: Final = "twilio-63101"


def unset(world: World) -> Blocked:
    """Nothing says from whom messages come."""
    return Blocked(
        "WhatsApp has no sender: TWILIO_WHATSAPP_FROM is not set",
        who=ASKED,
        where=f"{world.options.env_file}: a sender of your own, or, to try it, the sandbox: whatsapp:{SANDBOX_NUMBER}",
        how_long="a minute",
        then=world.again,
    )


def sandbox(world: World) -> Blocked:
    """It goes through Twilio's sandbox, which is nothing that can be made."""
    return Blocked(
        "WhatsApp goes through Twilio's sandbox: it reaches only those who have joined, for 3 days, and only within "
        "24 hours of their last message to it",
        who="everybody who gets the messages",
        where="WhatsApp: `join` and the account's words to +1 415 523 8886 (console.twilio.com, Messaging, Try it out)",
        how_long="a minute, and again every 3 days",
        then=f"for a line, set TWILIO_WHATSAPP_FROM to a number of your own; {world.again} says what is missing",
    )


def first(world: World, number: str) -> Blocked:
    """The account has no sender yet, so nothing links it to a WhatsApp Business Account."""
    return Blocked(
        f"{number} is no WhatsApp sender of this account, nor is any other number: the first one links the account "
        "with a WhatsApp Business Account, and Meta lets only a person do that",
        who=SIGNS,
        where=f"{SENDERS}, Create new sender (Meta's sign-up opens in a window of its own)",
        how_long="an hour; Meta's check of the business takes up to 1 to 2 weeks",
        then=f"{world.again}; a number after the first one it registers itself. Until then, the sandbox: "
        f"TWILIO_WHATSAPP_FROM=whatsapp:{SANDBOX_NUMBER} and sandbox: true",
    )


def refused(world: World, number: str, error: CallisiError) -> Exception:
    """Twilio does not register the number; where that says nothing about it, the error as it is."""
    problem = error.problems[0]
    if not is_final(error):
        return error
    if problem.code == BAD_WABA:
        where = "business.facebook.com, Business settings, WhatsApp accounts: its ID, and that it is shared with Twilio"
        then = f"correct TWILIO_WHATSAPP_WABA_ID, or leave it empty: {world.again} --apply"
    else:
        where = (
            "the reason says it: a number in a WhatsApp app is freed there (Settings, Account, Delete account); a "
            f"name that Meta does not take is `business.name` in {world.options.agent}; {SENDERS} for everything else"
        )
        then = f"{world.again} --apply"
    return Blocked(
        f"{number} was not registered. {problem.message}",
        who=SIGNS,
        where=where,
        how_long="minutes, unless Meta checks the business first",
        then=then,
    )


def not_online(world: World, number: str, sender: Any) -> Blocked:
    """It is there, and cannot send yet."""
    status = str(sender.status)
    if status == "PENDING_VERIFICATION":
        return _asks_for_the_code(world, number, sender)
    what, who, how_long = REVIEWED.get(status, (f"the sender is {status}", ASKED, "as Meta says"))
    reasons = "; ".join(f"{one.get('message')} ({one.get('code')})" for one in sender.offline_reasons or ())
    return Blocked(
        f"{number} cannot send WhatsApp yet: {what}{': ' + reasons if reasons else ''}",
        who=who,
        where=SENDERS,
        how_long=how_long,
        then=world.again,
    )


def _asks_for_the_code(world: World, number: str, sender: Any) -> Blocked:
    calls = (sender.configuration or {}).get("verification_method") == "voice"
    where = f"the telephone with the number {number}"
    if calls and number == world.wanted_number:
        where += "; the agent picks up there: lead its calls to a person for now, in console.twilio.com, Phone Numbers"
    return Blocked(
        f"{number} cannot send WhatsApp yet: Meta {'rings it and speaks' if calls else 'has sent it'} a code, "
        "and waits for that code",
        who=f"whoever {'answers' if calls else 'reads the SMS of'} {number}",
        where=where,
        how_long="minutes",
        then=f"{world.again} --apply --whatsapp-code CODE",
    )


def foreign(world: World, number: str, sender: Any, now: str) -> Blocked:
    """Somebody registered it by hand; what it is told is theirs."""
    goes = f"go to {now}, which is not this agent" if now else "do not come to this agent"
    return Blocked(
        f"WhatsApp messages to {number} {goes}, and callisi did not register this sender",
        who=ASKED,
        where=f"{world.again} --apply --adopt {sender.sid} brings them here; without it nobody's answer 1 is seen",
        how_long="a minute",
        then=world.again,
    )

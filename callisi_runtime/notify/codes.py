"""Every provider code that matters: whether to try again, and what the operator should do.

`retry`: never processed, or may work later: the same channel again after `after` seconds, `times` times.
`reject`: will fail again: the next channel at once. `unknown`: it may be out: look before sending again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from callisi_runtime.ledger.values import Fault

Action = Literal["retry", "reject", "unknown"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a code means and what follows from it."""

    action: Action
    meaning: str
    remedy: str
    after: float | None = None
    """Seconds before the same channel is tried again."""
    times: int = 0
    """How often at most, when the failure is reported after the message was taken."""
    operator: bool = False
    """Every message fails like this until somebody mends the set-up: logged as an error at once."""


def _reject(meaning: str, remedy: str) -> Rule:
    return Rule("reject", meaning, remedy)


def _mend(meaning: str, remedy: str) -> Rule:
    return Rule("reject", meaning, remedy, operator=True)


def _retry(meaning: str, after: float, times: int) -> Rule:
    return Rule("retry", meaning, "nothing to do: it is tried again", after=after, times=times)


SERVER_ERROR = Rule(
    "unknown", "server error at the provider", "nothing to do: it is looked up, then sent again"
)

RULES: dict[int, Rule] = {
    # any request
    20003: _mend("permission denied", "check TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and the account's state"),
    20008: _mend("these are test credentials", "use the live credentials"),
    20404: _mend("not found", "check TWILIO_ACCOUNT_SID, and run `callisi provision`"),
    20429: _retry("too many requests", after=5.0, times=3),
    20500: SERVER_ERROR,
    # refused at once
    21211: _reject("`to` is not a valid number", "write it as +49..."),
    21212: _mend("the sender is not valid", "check TWILIO_PHONE_NUMBER or `from`"),
    21215: _mend("calls to this country are off", "enable it under Voice, Geographic Permissions"),
    21243: _mend(
        "the SIP password is too weak",
        "SIP_TRUNK_PASSWORD needs 12 characters, with a digit, a capital and a small letter; or leave it empty",
    ),
    21244: _mend("the account has as many trunks as it may have", "delete one, or ask Twilio for more"),
    21248: _mend(
        "the trunk's domain name is taken in the whole of Twilio", "set TWILIO_TRUNK_DOMAIN to another"
    ),
    21422: _mend("somebody else has bought the number", "`callisi numbers search` shows what there is"),
    21408: _mend("SMS to this country are off", "enable it under Messaging, Geographic Permissions"),
    21606: _mend("the sender cannot send there", "use an SMS-capable number or an alphanumeric sender"),
    21608: _mend("a trial account reaches verified numbers only", "verify the number, or upgrade"),
    21610: _reject("the recipient has sent STOP", "the recipient must text START to the sender"),
    21612: _reject("this sender does not reach the number", "use another sender"),
    21614: _reject("`to` is not a mobile number", "use a mobile number"),
    21617: _reject("the text is longer than 1600 characters", "shorten the message in the agent file"),
    21631: _mend("the number needs an address", "add one at console.twilio.com, Phone Numbers, Addresses"),
    21649: _mend(
        "the number needs an approved regulatory bundle",
        "submit one at console.twilio.com, Regulatory Compliance",
    ),
    # reported after the message was taken
    30001: _retry("the provider's queue overflowed", after=30.0, times=2),
    30002: _mend("the account is suspended", "see the account's console"),
    30003: _retry("the telephone is off or out of reach", after=60.0, times=1),
    30004: _reject("the message was blocked", "ask the carrier, check the sender"),
    30005: _reject("the number is unknown", "correct the number in `to`"),
    30006: _reject("a landline, or a carrier out of reach", "use a mobile number"),
    30007: _reject("filtered by the carrier", "change the wording or the sender"),
    30008: _retry("unknown error at the carrier", after=20.0, times=1),
    # WhatsApp
    63003: _reject("the recipient is not on WhatsApp", "check the number"),
    63007: _mend("the sender is not a WhatsApp sender", "check TWILIO_WHATSAPP_FROM"),
    63015: _reject(
        "not in the sandbox, or joined over 3 days ago", "send the join word to the sandbox again"
    ),
    63016: _reject(
        "free text over 24 hours after their last message", "use an approved template: `content_sid`"
    ),
    63018: _retry("too many WhatsApp messages", after=30.0, times=2),
    63024: _reject("the recipient is not valid", "check the number"),
    63032: _reject("WhatsApp does not deliver to this person", "use another channel"),
    63033: _reject("the recipient has blocked the sender", "the recipient must unblock it"),
    # trunks and calls: they answer no message, but the operator meets them in the same list
    13224: _reject("the number is not valid", "write it as +49..."),
    13227: _mend("calls to this country are off", "enable it under Voice, Geographic Permissions"),
    32001: _retry("more than one new call per second", after=2.0, times=1),
    32010: _mend("the trunk has no valid origination URL", "run `callisi provision`"),
    32011: _mend("the SIP address does not answer", "run `callisi doctor`"),
    32012: _retry("more than one new call per second", after=2.0, times=1),
    32100: _mend("a trial account calls verified numbers only", "verify the number, or upgrade"),
    32101: _reject("the number is not E.164", "write it as +49..."),
    32106: _mend("the trunk's password is wrong", "run `callisi provision`"),
    32201: _mend("the address is not in the trunk's list", "run `callisi provision`"),
    32202: _mend("the trunk's password is wrong", "run `callisi provision`"),
    32203: _mend("blocked by the provider", "ask the provider's support, do not repeat it"),
    32204: _mend("the caller id is not a number of this account", "use your own number"),
    32205: _mend("calls to this country are off", "enable it under Elastic SIP, Geographic Permissions"),
    32206: _mend("the caller id is not valid", "use your own number"),
    32208: _mend("the trunk wants encrypted media", "run `callisi provision`"),
    32209: _mend("the trunk wants TLS", "run `callisi provision`"),
    32216: _mend("the address is blocked", "ask the provider's support"),
    32218: _mend("the trunk does not allow transfers", "run `callisi provision`"),
}

REFUSED = _reject("refused by the provider", "look the code up at twilio.com/docs/errors")
NOT_DELIVERED = _reject("not delivered", "the next channel is used")


def rule_for(status: int, code: int | None) -> Rule:
    """What follows from an answer: its HTTP status, and the provider's own code when it gave one.

    The status decides about the unknown: a 5xx may have gone out whatever its code says.
    """
    if status >= 500:
        return SERVER_ERROR
    if status == 429:
        return RULES[20429]
    if code in RULES:
        return RULES[code]
    return RULES[20003] if status == 401 else REFUSED


def report_rule(code: str | None) -> Rule:
    """What follows from a report that a message was lost."""
    return RULES.get(int(code), NOT_DELIVERED) if code is not None and code.isdecimal() else NOT_DELIVERED


def known_rule(code: object) -> Rule | None:
    """What a code means that somebody came across in a log; None when it is not in the table."""
    text = str(code)
    return RULES.get(int(text)) if text.isdecimal() else None


def words(rule: Rule, code: int | str | None) -> str:
    """One line for the operator, without any number of a person in it."""
    number = f"{code} " if code is not None else ""
    return f"{number}{rule.meaning}; {rule.remedy}"


def fault_for(channel: str, status: str, code: str | None) -> Fault:
    """What the ledger needs to know about a lost message."""
    rule = report_rule(code)
    text = f"{channel}: {status}: {words(rule, code)}"
    return Fault(text, again_after=rule.after, times=rule.times) if rule.action == "retry" else Fault(text)

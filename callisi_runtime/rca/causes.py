"""Evidence -> cause -> what mends it. The first row that fits is the likeliest; the others may have added to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from callisi_runtime.rca.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Cause:
    """What went wrong, how it shows, and what mends it."""

    name: str
    what: str
    because: str
    mend: str

    def as_dict(self) -> dict[str, str]:
        """As the JSON document has it."""
        return {"name": self.name, "what": self.what, "because": self.because, "mend": self.mend}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    what: str
    mend: str
    sign: Callable[[Evidence], str | None]
    """How the evidence shows it, in words; None when it does not."""


def causes_of(evidence: Evidence) -> list[Cause]:
    """Every cause that the evidence shows, the most likely first; none when the call went as it should."""
    found = _by_code(evidence)
    for row in TABLE:
        because = row.sign(evidence)
        if because is not None:
            found.append(Cause(row.name, row.what, because, row.mend))
    return found


def _by_code(evidence: Evidence) -> list[Cause]:
    """Twilio says itself what it was: every code of the table of codes is a row of this one."""
    from callisi_runtime.notify.codes import known_rule

    found = []
    for code in dict.fromkeys(evidence.codes()):
        rule = known_rule(code)
        what = rule.meaning if rule else "a fault that is not in our table"
        mend = rule.remedy if rule else f"look it up at twilio.com/docs/errors/{code}"
        found.append(Cause(f"twilio-{code}", what, f"Twilio reports {code} about this call", mend))
    return found


def _dial(outcome: str) -> Callable[[Evidence], str | None]:
    def sign(evidence: Evidence) -> str | None:
        times = evidence.outcomes().count(outcome)
        if not times or evidence.moments("effect.Bridge"):
            return None
        ended = [one.data for one in evidence.moments("line.dial_ended") if one.data.get("sip")]
        sip = f", SIP {ended[-1]['sip']}" if ended else ""
        return f"{times} dial{'s' if times > 1 else ''} ended as `{outcome}`{sip}, and nobody took the call"

    return sign


def _dead_message(evidence: Evidence) -> str | None:
    dead = [one for one in evidence.notes if one.state == "dead"]
    return f"notification {dead[0].note.id} is dead: {dead[0].error or 'no reason given'}" if dead else None


def _nobody_sends(evidence: Evidence) -> str | None:
    due = [one for one in evidence.notes if one.state == "due" and not evidence.attempts.get(one.note.id)]
    return f"notification {due[0].note.id} is due, and no attempt was made" if due else None


def _lost_message(evidence: Evidence) -> str | None:
    lost = [
        one for one in evidence.messages if one.status in ("failed", "undelivered") and not one.error_code
    ]
    return f"message {lost[0].sid} is {lost[0].status}, without a code" if lost else None


def _broke_off(evidence: Evidence) -> str | None:
    over = [one for one in evidence.legs if one.over and one.direction != "trunking-terminating"]
    if evidence.call.ended is not None:
        return None
    if over:
        return "Twilio says that the caller's leg is over, the ledger never saw the call's end"
    if evidence.room is False:
        return "the ledger never saw the call's end, and LiveKit has no room of it"
    if evidence.room and "agent" not in evidence.present:
        return "the ledger never saw the call's end, and LiveKit has no agent in its room"
    return None


def _taken_over(evidence: Evidence) -> str | None:
    epoch = evidence.call.epoch
    return f"{epoch + 1} processes had this call" if epoch else None


def _moment(kind: str, words: str) -> Callable[[Evidence], str | None]:
    def sign(evidence: Evidence) -> str | None:
        found = evidence.moments(kind)
        return f"{words} after {found[0].at:.1f} s" if found else None

    return sign


def _left_in_greeting(evidence: Evidence) -> str | None:
    left = evidence.moments("event.CallerLeft")
    asked = ("event.PersonWanted", "event.MessageGiven", "event.DetailGiven")
    wanted = any(evidence.moments(kind) for kind in asked)
    if not left or wanted or left[0].at > EARLY_SECONDS:
        return None
    return f"the caller hung up after {left[0].at:.1f} s and had asked for nothing"


def _left_waiting(evidence: Evidence) -> str | None:
    left, dialled = evidence.moments("event.CallerLeft"), evidence.moments("effect.Dial")
    if not left or not dialled or evidence.moments("effect.Bridge") or left[0].at < dialled[0].at:
        return None
    return f"the caller hung up {left[0].at - dialled[0].at:.1f} s after the first dial"


def _mailbox(evidence: Evidence) -> str | None:
    if evidence.moments("event.LegAnswered") and not evidence.moments("effect.Bridge"):
        return "a telephone was picked up, and no key was pressed"
    return None


def _leg_status(status: str) -> Callable[[Evidence], str | None]:
    def sign(evidence: Evidence) -> str | None:
        found = [one for one in evidence.legs if one.status == status]
        return f"Twilio has leg {found[0].sid} as `{status}`" if found else None

    return sign


def _never_left(evidence: Evidence) -> str | None:
    out = [one for one in evidence.legs if one.direction == "trunking-terminating"]
    if evidence.outcomes() and not out and evidence.outbound_trunks == 0:
        return "a person was dialled, and LiveKit has no outbound trunk"
    return None


EARLY_SECONDS: Final = 8.0

TABLE: Final[tuple[Row, ...]] = (
    Row("no-outbound-trunk", "people cannot be dialled", "callisi provision AGENT", _never_left),
    Row(
        "misconfigured",
        "the trunk or the number is not set up as the dial needs it",
        "callisi doctor AGENT",
        _dial("misconfigured"),
    ),
    Row(
        "no-such-number",
        "the number that was dialled does not exist",
        "correct transfer.to (DEFAULT_FORWARD_NUMBER)",
        _dial("no_such_number"),
    ),
    Row(
        "provider-down",
        "the carrier could not place the call",
        "see status.twilio.com and callisi logs alerts; more than one new call a second is refused as well",
        _dial("provider_down"),
    ),
    Row(
        "declined",
        "the person, or Twilio, refused the call",
        "callisi logs alerts says if Twilio did (32203 to 32205)",
        _dial("declined"),
    ),
    Row(
        "dead-message",
        "the message reached nobody who calls back",
        "mend what it says, then callisi redrive ID",
        _dead_message,
    ),
    Row("nobody-sends", "nobody sends messages", "start the worker, or callisi deliver", _nobody_sends),
    Row(
        "lost-message",
        "the message was taken and did not arrive",
        "check the number in fallback.channels; add a second channel",
        _lost_message,
    ),
    Row("broke-off", "the call broke off", "see the worker's log, and docs/rescue.md", _broke_off),
    Row(
        "ears-down",
        "the caller was not understood: the transcriber did not answer",
        "callisi doctor AGENT --live; name a second one under voice.stt",
        _moment("event.EarsDown", "the transcriber was down"),
    ),
    Row(
        "model-down",
        "the language model, or the voice, did not answer",
        "callisi doctor AGENT --live; name a second one under voice.llm",
        _moment("event.ModelDown", "the model was down"),
    ),
    Row(
        "nobody-accepted",
        "a mailbox picked up, or somebody who did not press the key",
        "tell staff which key takes the call; a shorter transfer.ring_timeout comes before the mailbox",
        _mailbox,
    ),
    Row("busy", "the person's telephone was busy", "name a second person under transfer.to", _dial("busy")),
    Row("rang-out", "nobody picked up", "name a second person under transfer.to", _dial("rang_out")),
    Row(
        "never-rang",
        "the person's telephone did not ring",
        "is it on, and in reach? callisi doctor AGENT --live tries it",
        lambda it: _dial("never_rang")(it) or _dial("not_available")(it) or _dial("no_reply")(it),
    ),
    Row(
        "left-waiting",
        "the caller did not want to wait any longer",
        "transfer.ring_timeout shorter, or while_ringing with words",
        _left_waiting,
    ),
    Row(
        "left-in-greeting",
        "the caller hung up while being greeted",
        "nothing, if it is rare; otherwise a shorter greeting",
        _left_in_greeting,
    ),
    Row(
        "leg-failed", "Twilio could not carry a leg", "callisi logs alerts --since 1h", _leg_status("failed")
    ),
    Row(
        "taken-over",
        "a process of this call died, and another one went on",
        "see the worker's log, and docs/rescue.md",
        _taken_over,
    ),
)
"""From what a person must mend to what happens on any day."""

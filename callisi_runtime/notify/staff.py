"""What staff writes back: `1` takes a callback over, `2` gives it back; whoever else was told of it, learns it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from callisi_runtime.ledger import calls, claims, notes
from callisi_runtime.ledger.queries import one_call
from callisi_runtime.ledger.values import InboundRow, Note, NoteRow, Step
from callisi_runtime.notify.safe import clean

if TYPE_CHECKING:
    import sqlalchemy as sa

    from callisi_runtime.ledger.claims import Effect
    from callisi_runtime.ledger.facade import Ledger

_ANSWER = re.compile(r"\W*([12])\W*(?:ref\W*)?([2-9A-HJ-NP-Z]{4})?\W*", re.IGNORECASE)
TRIES = 2
BODY = 160


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message that came in."""

    sid: str
    """The provider's id: the same message is taken once, however often it is reported."""
    sender: str
    """E.164, with `whatsapp:` in front where it came over WhatsApp."""
    body: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody wants: `1` to take over, `2` to give back, perhaps with the reference."""

    take: bool
    reference: str | None


def parse(body: str) -> Answer | None:
    """The meaning of an answer; None when it means neither."""
    match = _ANSWER.fullmatch(body.strip())
    return None if match is None else Answer(match[1] == "1", match[2] and match[2].upper())


async def take_inbound(ledger: Ledger, message: Inbound) -> Effect:
    """Takes one message, once. An unknown sender is written down and gets no answer; neither do other words."""
    answer = parse(message.body)
    row = InboundRow(
        message.sid[:64], ledger.clock(), message.sender[:64], clean(message.body, BODY), "later", None
    )
    return await ledger.take_answer(_take, row, answer.reference if answer else None)


async def take_kept(ledger: Ledger) -> int:
    """Takes the answers that came while the database was away; returns how many."""
    return await ledger.take_kept(_take)


async def press(ledger: Ledger, row: NoteRow, step: int, *, take: bool) -> Effect:
    """Somebody used the link that was made for them."""
    return await ledger.write(_act, row, step, take, ledger.clock(), None)


def _take(connection: sa.Connection, message: InboundRow, now: float) -> Effect:
    answer = parse(message.body)
    found = _meant(connection, message.sender, answer, now)
    effect: Effect = "unknown" if found is None else "nothing"
    known = found[0].note.id if found is not None else None
    line = replace(message, effect=effect, note_id=known)
    if not claims.write_inbound(connection, line):
        return "repeated"
    if answer is None:
        return effect
    if found is not None:
        effect = _act(connection, *found, answer.take, now, message.sid)
    elif known_sender := claims.callback_for(connection, message.sender, None, now):
        row, step = known_sender
        _tell(connection, row, row.note.route[step], f"{message.sid}:answer", NO_SUCH, now)
    claims.set_effect(connection, line.sid, effect)
    return effect


def _meant(
    connection: sa.Connection, sender: str, answer: Answer | None, now: float
) -> tuple[NoteRow, int] | None:
    """The callback that an answer is about: for `2` without a reference, one that the sender has taken over."""
    who = None
    if answer is not None and not answer.take:
        who = _name_at(connection, sender, now)
    return claims.callback_for(connection, sender, answer.reference if answer else None, now, mine=who)


def _name_at(connection: sa.Connection, address: str, now: float) -> str | None:
    """What somebody at this address is called in the ledger."""
    found = claims.callback_for(connection, address, None, now)
    return None if found is None else name_of(found[0].note.route[found[1]])


def _act(
    connection: sa.Connection, row: NoteRow, step: int, take: bool, now: float, sid: str | None
) -> Effect:
    """Take over or give back, and tell everybody whom it concerns. `sid`: the answer that gets an answer."""
    mine = row.note.route[step]
    who, call_id = name_of(mine), row.note.call_id
    effect = (claims.take if take else claims.hand_back)(connection, call_id, who, now)
    owner = calls.claimed_by(connection, call_id) or ""
    call = one_call(connection, call_id)
    caller = call.caller if call is not None and call.caller else "Anrufer ohne Nummer"
    words = {"ref": row.note.reference, "caller": caller, "who": who, "owner": owner}
    key = sid or f"link-{int(now * 1000)}"
    if sid is not None and effect in TO_SENDER:
        _tell(connection, row, mine, f"{key}:answer", TO_SENDER[effect].format(**words), now)
    if effect in TO_OTHERS:
        for index in sorted(claims.told(connection, row.note.id)):
            other = row.note.route[index]
            if claims.bare(other.to) != claims.bare(mine.to):
                _tell(connection, row, other, f"{key}:{index}", TO_OTHERS[effect].format(**words), now)
    return effect


NO_SUCH = "Zu dieser Referenz gibt es keinen Rückruf für Sie. Antworten Sie mit 1 und der Referenz."
TO_SENDER: dict[Effect, str] = {
    "claimed": "Danke. Sie rufen {caller} zurück. Mit 2 geben Sie den Rückruf zurück. Ref {ref}",
    "already": "Der Rückruf an {caller} ist schon bei Ihnen. Ref {ref}",
    "taken": "Diesen Rückruf hat schon {owner} übernommen. Ref {ref}",
    "freed": "Der Rückruf an {caller} ist wieder frei. Ref {ref}",
    "not_yours": "Diesen Rückruf hatten Sie nicht übernommen. Ref {ref}",
}
TO_OTHERS: dict[Effect, str] = {
    "claimed": "Den Rückruf an {caller} übernimmt {who}. Ref {ref}",
    "freed": "Der Rückruf an {caller} ist wieder frei. Mit 1 übernehmen Sie ihn. Ref {ref}",
}


def name_of(step: Step) -> str:
    """What the person at this step is called: their name in the agent file, or their address."""
    return str(step.options.get("name") or step.to)


def _tell(connection: sa.Connection, row: NoteRow, step: Step, key: str, text: str, now: float) -> None:
    """A message that only informs, on the channel on which the person was told of the callback."""
    # The key may hold a provider's id of any length; the note's id has an end.
    note_id = f"{row.note.call_id[:120]}:info-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    # A template says what it was approved for; within a day of their answer, free text reaches them.
    options = {name: value for name, value in step.options.items() if name != "content_sid"}
    plain = replace(
        step, tries=TRIES, options=options | ({"sandbox": True} if step.channel == "whatsapp" else {})
    )
    note = Note(
        id=note_id,
        call_id=row.note.call_id,
        agent=row.note.agent,
        body={
            "texts": [{"text": text, "subject": f"Rückruf {row.note.reference}"}],
            "facts": {"reference": row.note.reference},
        },
        route=(plain,),
        reference=row.note.reference,
        kind="info",
    )
    if notes.arm(connection, note, now, now):
        notes.release(connection, note.call_id, now, note_id=note.id)


__all__ = ["Answer", "Inbound", "name_of", "parse", "press", "take_inbound", "take_kept"]

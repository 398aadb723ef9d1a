"""The ledger of a rehearsal: in memory, with simulated channels, in virtual time. The rules are the real ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from callisi_runtime.call import Delivery
from callisi_runtime.notify.base import text_of
from callisi_runtime.notify.codes import report_rule, rule_for

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Mapping

    from callisi_runtime.call.hands import Cancellable
    from callisi_runtime.ledger.values import Note, Step
    from callisi_runtime.rehearse.clock import VirtualClock
    from callisi_runtime.rehearse.providers import Mode, Providers

Status = Literal["pending", "accepted", "delivered", "failed"]
NoteState = Literal["armed", "sending", "accepted", "failed", "cancelled"]
SEND_SECONDS = 0.6
"""What one attempt takes when the provider is well."""
REPORT_SECONDS = 3.0
"""When the provider reports what became of a message."""
HANG_SECONDS = 10.0
"""After which an attempt without an answer is given up."""
FIRST_RETRY = 2.0


@dataclass(slots=True)
class Notification:
    """One message on one channel, as it would be sent."""

    at: float
    channel: str
    to: str
    body: str
    status: Status = "pending"
    error: str | None = None


@dataclass(slots=True)
class Obligation:
    """What is owed to the caller."""

    state: Literal["open", "closed"] = "open"
    evidence: str | None = None


@dataclass(slots=True)
class Kept:
    """A message in the outbox."""

    note: Note
    state: NoteState = "armed"
    timer: Cancellable | None = None


class MemoryBooks:
    """Books of one rehearsed call.

    Args:
        clock: The call's time.
        providers: How the channels behave.
        shown: Told of every notification when it is written and whenever its status changes.
        spawn: Starts what goes on without the call.
    """

    def __init__(
        self,
        clock: VirtualClock,
        providers: Providers,
        shown: Callable[[Notification], None],
        spawn: Callable[[Coroutine[object, object, None]], asyncio.Task[None]],
    ) -> None:
        self.clock = clock
        self.providers = providers
        self.notifications: list[Notification] = []
        self.obligation = Obligation()
        self.outcome: str | None = None
        self._shown = shown
        self._spawn = spawn
        self._reports = 0
        self._kept: dict[str, Kept] = {}

    # -- Books ----------------------------------------------------------------------------------------------

    async def arm(self, note: Note, due_in: float) -> None:
        """Write it down; it goes out by itself after `due_in` virtual seconds."""
        kept = self._keep(note)
        kept.timer = self.clock.later(due_in, lambda: self._due(note.id))

    async def settle(self, note: Note | None, *, outcome: str, send: bool, evidence: str | None) -> None:
        """Write the outcome down; the armed message is due now, or cancelled."""
        self.outcome = outcome
        if note is not None:
            kept = self._keep(note)
            kept.state = "sending" if send else "cancelled"
        if evidence is not None:
            await self.close(evidence)

    async def deliver(self, note: Note) -> Delivery:
        """Send it over the channels of its route until one has accepted it."""
        kept = self._keep(note)
        kept.state = "sending"
        delivery = await self._send(note, note.route)
        kept.state = "accepted" if delivery.state == "accepted" else "failed"
        return delivery

    async def close(self, evidence: str) -> None:
        """Close the obligation, once."""
        if self.obligation.state == "open":
            self.obligation.state, self.obligation.evidence = "closed", evidence

    async def busy_lately(self, agent: str, target: int, seconds: float) -> bool:
        """A rehearsal knows of no other call."""
        return False

    async def save(self, phase: str, state: Mapping[str, object]) -> None:
        """A rehearsal has no successor."""

    async def finish(self, outcome: str, transcript: list[dict[str, object]] | None) -> None:
        """The call is over; what is armed goes out in its time."""

    @property
    def unsettled(self) -> bool:
        """Whether a message waits for its time, or for its provider."""
        return self._reports > 0 or any(kept.state in ("armed", "sending") for kept in self._kept.values())

    # -- sending --------------------------------------------------------------------------------------------

    def _keep(self, note: Note) -> Kept:
        kept = self._kept.setdefault(note.id, Kept(note))
        kept.note = note
        if kept.timer is not None:
            kept.timer.cancel()
            kept.timer = None
        return kept

    def _due(self, note_id: str) -> None:
        kept = self._kept[note_id]
        if kept.state == "armed":
            self._spawn(self._deliver_alone(kept.note))

    async def _deliver_alone(self, note: Note) -> None:
        await self.deliver(note)

    async def _send(self, note: Note, route: tuple[Step, ...]) -> Delivery:
        error = None
        for index, step in enumerate(route):
            entry = Notification(self.clock.now(), step.channel, step.to, body_of(note, step))
            self.notifications.append(entry)
            self._shown(entry)
            if await self._attempts(entry, step):
                report = self._spawn(self._report(entry, note, route[index + 1 :]))
                if step.accept == "sent":
                    await self.close("message_accepted")
                    return Delivery("accepted", step.channel)
                await report
                if entry.status == "delivered":
                    return Delivery("accepted", step.channel)
                error = entry.error
                break  # the report has tried the channels that follow
            error = entry.error
        accepted = next(
            (one for one in reversed(self.notifications) if one.status in ("accepted", "delivered")), None
        )
        if accepted is not None:
            return Delivery("accepted", accepted.channel)
        return Delivery("failed", error=error)

    async def _attempts(self, entry: Notification, step: Step) -> bool:
        for attempt in range(step.tries):
            mode = self.providers[step.channel]
            await self.clock.sleep(attempt_seconds(mode))
            if mode.kind in ("up", "slow") or mode.late:
                self._mark(entry, "accepted")
                return True
            rule = (
                rule_for(mode.code if mode.code < 1000 else 400, mode.code) if mode.kind == "code" else None
            )
            entry.error = f"{mode.code} {rule.meaning}" if rule else "the provider does not answer"
            if rule is not None and rule.action == "reject":
                break
            if attempt + 1 < step.tries:
                await self.clock.sleep((rule.after if rule else None) or FIRST_RETRY * 2**attempt)
        self._mark(entry, "failed")
        return False

    async def _report(self, entry: Notification, note: Note, others: tuple[Step, ...]) -> None:
        self._reports += 1
        try:
            await self._reported(entry, note, others)
        finally:
            self._reports -= 1

    async def _reported(self, entry: Notification, note: Note, others: tuple[Step, ...]) -> None:
        await self.clock.sleep(REPORT_SECONDS)
        mode = self.providers[entry.channel]
        if not mode.late:
            self._mark(entry, "delivered")
            await self.close("message_delivered")
            return
        entry.error = (
            f"{mode.code} {report_rule(str(mode.code)).meaning}" if mode.code else "it did not arrive"
        )
        self._mark(entry, "failed")
        if self.obligation.evidence == "message_accepted":
            self.obligation.state, self.obligation.evidence = "open", None
        if others:
            await self._send(note, others)

    def _mark(self, entry: Notification, status: Status) -> None:
        entry.status = status
        self._shown(entry)


def attempt_seconds(mode: Mode) -> float:
    """What one attempt takes."""
    if mode.kind == "hang":
        return HANG_SECONDS
    return SEND_SECONDS + mode.seconds


def body_of(note: Note, step: Step) -> str:
    """The text as this channel sends it."""
    from callisi_runtime.notify.sms import sms_text

    return sms_text(note, step) if step.channel == "sms" else text_of(note, step)

"""A ledger that goes on in a local file while its database server is away, and hands over when it is back.

A call that meets a server which does not answer moves into the file with all it knows, and stays there
until it is over. Its notification is delivered from there. When the server answers again, what it may still
hold armed for such a call is cancelled first, and the finished call moves over. A message armed on the
server by a call that then moved may go out twice if another machine's sender reaches it first: one
duplicate rather than a lost caller.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from callisi_runtime.ledger import claims, moving, notes, queries
from callisi_runtime.ledger.engine import parse_url
from callisi_runtime.ledger.facade import Ledger, LedgerUnavailable
from callisi_runtime.ledger.schema import note
from callisi_runtime.ledger.values import CallRow, EventRow, Health, Note, NoteRow, ObligationRow

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    import sqlalchemy as sa

    from callisi_runtime.ledger.facade import TakeAnswer
    from callisi_runtime.ledger.values import InboundRow

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger("callisi.ledger")

HAND_OVER_EVERY = 5.0
"""Seconds between two attempts to hand the local calls over."""


ASK_AGAIN = 5.0
"""Seconds during which a server that did not answer is not asked for messages to send."""

LOCAL_FILE = Path("callisi-local.db")
"""Where calls are kept while the server is away; in the working directory."""

STALE = 6 * 3600.0
"""Seconds after which a call that never ended is taken to be over: its process died."""


def ledger_at(url: str, local: Path = LOCAL_FILE, *, clock: Callable[[], float] = time.time) -> Ledger:
    """The ledger for a database URL: a server's gets a local file beside it, a file needs none."""
    if parse_url(url).get_backend_name() == "sqlite":
        return Ledger(url, clock=clock)
    return LedgerWithLocal(url, f"sqlite:///{local}", clock=clock)


class LedgerWithLocal(Ledger):
    """`Ledger` with a SQLite file beside it. Several processes of one machine share the file."""

    def __init__(self, url: str, local_url: str, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__(url, clock=clock)
        self.local = Ledger(local_url, clock=clock)
        self._file = Path(parse_url(local_url).database or "")
        self._opened = False
        self._calls: dict[str, CallRow] = {}
        self._notes: dict[str, Note] = {}
        self._moved: set[str] = set()
        self._local_notes: set[str] = set()
        self._handed_over = self._away_until = float("-inf")

    async def open(self) -> None:
        """Opens the server's database if it answers; a server that is away is no reason not to take calls."""
        try:
            await super().open()
        except LedgerUnavailable as error:
            log.error("the database is away, calls are kept in %s: %s", self._file.name, error)
            await self._open_local()

    async def close(self) -> None:
        """Closes both."""
        await self.local.close()
        await super().close()

    # ---- the call's side: to the server, else to the file ----------------------------------------------

    async def begin_call(
        self, call: CallRow, note: Note | None = None, *, due_in: float = 60.0
    ) -> CallRow | None:
        """Like `Ledger.begin_call`; a call that moved before its process died is found in the file."""
        self._calls[call.id] = call
        if await self._in_file() and (known := await self.local.call(call.id)) is not None:
            self._moved.add(call.id)
            return known
        if call.id not in self._moved:
            try:
                return await super().begin_call(call, note, due_in=due_in)
            except LedgerUnavailable as error:
                await self._move(call.id, error)
                if note is not None:
                    await self.local.arm(note, due_in=due_in)
                return None
        return await self.local.begin_call(call, note, due_in=due_in)

    async def save_call(
        self,
        call_id: str,
        *,
        phase: str | None = None,
        state: Mapping[str, object] | None = None,
        epoch: int | None = None,
        safety_note: Note | None = None,
    ) -> None:
        """Like `Ledger.save_call`."""

        async def save(to: Ledger) -> None:
            await Ledger.save_call(
                to, call_id, phase=phase, state=state, epoch=epoch, safety_note=safety_note
            )

        await self._either(call_id, save)
        self._remember(call_id, phase=phase, state=state, epoch=epoch)

    def _remember(self, call_id: str, **newer: object) -> None:
        if (known := self._calls.get(call_id)) is not None:
            given = {key: value for key, value in newer.items() if value is not None}
            self._calls[call_id] = dataclasses.replace(known, **given)  # type: ignore[arg-type]

    async def add_events(self, call_id: str, moments: Sequence[EventRow]) -> None:
        """Like `Ledger.add_events`."""
        await self._either(call_id, lambda to: Ledger.add_events(to, call_id, moments))

    async def end_call(
        self, call_id: str, *, outcome: str, transcript: Sequence[object] | None = None
    ) -> None:
        """Like `Ledger.end_call`."""
        await self._either(
            call_id, lambda to: Ledger.end_call(to, call_id, outcome=outcome, transcript=transcript)
        )

    async def close_obligation(self, call_id: str, evidence: str) -> None:
        """Like `Ledger.close_obligation`."""
        await self._either(call_id, lambda to: Ledger.close_obligation(to, call_id, evidence))

    async def set_outcome(self, call_id: str, outcome: str) -> None:
        """Like `Ledger.set_outcome`."""
        await self._either(call_id, lambda to: Ledger.set_outcome(to, call_id, outcome))

    async def arm(self, note: Note, *, due_in: float) -> None:
        """Like `Ledger.arm`."""
        self._notes[note.call_id] = note
        await self._either(note.call_id, lambda to: Ledger.arm(to, note, due_in=due_in))

    async def before_dial(
        self,
        note: Note,
        *,
        due_in: float,
        phase: str | None = None,
        state: Mapping[str, object] | None = None,
        epoch: int | None = None,
    ) -> None:
        """Like `Ledger.before_dial`."""
        self._notes[note.call_id] = note

        async def write(to: Ledger) -> None:
            await Ledger.before_dial(to, note, due_in=due_in, phase=phase, state=state, epoch=epoch)

        await self._either(note.call_id, write)
        self._remember(note.call_id, phase=phase, state=state, epoch=epoch)

    async def postpone(self, call_id: str, *, due_in: float) -> None:
        """Like `Ledger.postpone`."""
        await self._either(call_id, lambda to: Ledger.postpone(to, call_id, due_in=due_in))

    async def settle(
        self,
        call_id: str,
        *,
        outcome: str,
        send: bool,
        body: Mapping[str, object] | None = None,
        evidence: str | None = None,
        note: Note | None = None,
    ) -> None:
        """Like `Ledger.settle`; a call that moves only now brings the note it armed on the server."""

        async def settle(to: Ledger) -> None:
            known = note if note is not None else self._notes.get(call_id) if to is self.local else None
            await Ledger.settle(
                to, call_id, outcome=outcome, send=send, body=body, evidence=evidence, note=known
            )

        await self._either(call_id, settle)

    async def _either(self, call_id: str, work: Callable[[Ledger], Awaitable[None]]) -> None:
        if call_id not in self._moved:
            try:
                await work(self)
                return
            except LedgerUnavailable as error:
                await self._move(call_id, error)
        await work(self.local)

    async def _move(self, call_id: str, error: LedgerUnavailable) -> None:
        """From here on the call lives in the file."""
        log.error("the database is away, call %s goes on in %s: %s", call_id, self._file.name, error)
        await self._open_local()
        known = self._calls.get(call_id)
        row = known if known is not None else CallRow(call_id, "", None, self.clock(), "")
        await self.local.begin_call(row)
        self._moved.add(call_id)

    async def _open_local(self) -> None:
        if not self._opened:
            await self.local.open()
            self._opened = True

    async def _in_file(self) -> bool:
        """Whether there is a file: ours, or one that another process of this machine has begun."""
        if not self._opened and self._file.exists():
            await self._open_local()
        return self._opened

    # ---- the sender's side: from both ------------------------------------------------------------------

    async def claim(self, limit: int, *, lease: float, note_id: str | None = None) -> list[NoteRow]:
        """From the server and from the file. Raises only when neither answers."""
        local = await self._in_file()
        rows: list[NoteRow] = []
        if not local or time.monotonic() >= self._away_until:
            try:
                if local:
                    await self._hand_over_sometimes()
                rows = await super().claim(limit, lease=lease, note_id=note_id)
            except LedgerUnavailable:
                if not local:
                    raise
                # A server that swallows connections takes seconds to fail: the file's messages must not wait.
                self._away_until = time.monotonic() + ASK_AGAIN
        if local and len(rows) < limit:
            found = await self.local.claim(limit - len(rows), lease=lease, note_id=note_id)
            self._local_notes.update(row.note.id for row in found)
            rows += found
        return rows

    async def write(
        self, statement: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What concerns a notification that came from the file goes back to the file."""
        if args and isinstance(args[0], NoteRow) and args[0].note.id in self._local_notes:
            return await self.local.write(statement, *args, **kwargs)
        return await super().write(statement, *args, **kwargs)

    async def notification(self, note_id: str) -> NoteRow | None:
        """From the file when it is there, else from the server."""
        found = await self.local.notification(note_id) if await self._in_file() else None
        return found if found is not None else await super().notification(note_id)

    async def call(self, call_id: str) -> CallRow | None:
        """From the file when it is there, else from the server."""
        found = await self.local.call(call_id) if await self._in_file() else None
        return found if found is not None else await super().call(call_id)

    async def timeline(self, call_id: str) -> list[EventRow]:
        """From both; a call that moved has its beginning on the server."""
        rows = await self._both(lambda ledger: Ledger.timeline(ledger, call_id))
        return sorted(rows, key=lambda row: row.at)

    async def health(self) -> Health:
        """Of both together. Raises while the server is away: that is what the operator must look at."""
        there = await super().health()
        if not await self._in_file():
            return there
        here = await self.local.health()
        return Health(
            dead=there.dead + here.dead,
            open_obligations=there.open_obligations + here.open_obligations,
            overdue=max(there.overdue, here.overdue),
        )

    async def calls(self, since: float = 0.0, limit: int = 100) -> list[CallRow]:
        """From both, newest first. Where the server is away, from the file alone."""
        rows = await self._both(lambda ledger: Ledger.calls(ledger, since, limit))
        return sorted(rows, key=lambda row: row.started, reverse=True)[:limit]

    async def notifications(
        self, *, dead: bool = False, since: float = 0.0, call_id: str | None = None, limit: int = 100
    ) -> list[NoteRow]:
        """From both, newest first. Where the server is away, from the file alone."""
        rows = await self._both(
            lambda ledger: Ledger.notifications(ledger, dead=dead, since=since, call_id=call_id, limit=limit)
        )
        return sorted(rows, key=lambda row: row.note.created, reverse=True)[:limit]

    async def obligations(
        self, open_only: bool = True, since: float = 0.0, limit: int = 1000
    ) -> list[ObligationRow]:
        """From both, oldest first. Where the server is away, from the file alone."""
        rows = await self._both(lambda ledger: Ledger.obligations(ledger, open_only, since, limit))
        return sorted(rows, key=lambda row: row.opened)[:limit]

    async def _both(self, ask: Callable[[Ledger], Awaitable[list[T]]]) -> list[T]:
        local = await ask(self.local) if await self._in_file() else []
        try:
            return [*await ask(self), *local]
        except LedgerUnavailable:
            if not self._opened:
                raise
            return local

    async def unfinished(self) -> bool:
        """Whether anything is on its way on either side."""
        return (await self._in_file() and await self.local.unfinished()) or await super().unfinished()

    # ---- what staff answers ----------------------------------------------------------------------------

    async def take_answer(self, take: TakeAnswer, row: InboundRow, reference: str | None) -> claims.Effect:
        """Like `Ledger.take_answer`; kept in the file while the server is away, for `take_kept`."""
        if await self._in_file() and await self.local.knows_callback(row, reference):
            return await self.local.take_answer(take, row, reference)
        try:
            return await super().take_answer(take, row, reference)
        except LedgerUnavailable as error:
            log.error("the database is away, an answer is kept in %s: %s", self._file.name, error)
            await self._open_local()
            await self.local.write(claims.write_inbound, row)
            return "later"

    async def take_kept(self, take: TakeAnswer) -> int:
        """Like `Ledger.take_kept`. Raises LedgerUnavailable while the server is away."""
        if not await self._in_file() or time.monotonic() < self._away_until:
            return 0
        kept = [row for row in await self.local.inbound() if row.effect == "later"]
        for row in reversed(kept):
            await super().take_answer(take, row, None)
            await self.local.write(claims.forget_inbound, row.sid)
        return len(kept)

    async def expects_answers(self, since: float) -> list[str]:
        """From both. Where the server is away, from the file alone."""
        return sorted(set(await self._both(lambda ledger: Ledger.expects_answers(ledger, since))))

    # ---- handing over ----------------------------------------------------------------------------------

    async def _hand_over_sometimes(self) -> None:
        now = time.monotonic()
        if now - self._handed_over >= HAND_OVER_EVERY:
            self._handed_over = now
            await self.hand_over()

    async def hand_over(self) -> int:
        """Moves finished local calls to the server.

        Returns how many; raises LedgerUnavailable while it is away.
        """
        if not await self._in_file():
            return 0
        moved = 0
        for call in await self.local.read(queries.calls, 0.0, 1000):
            await super().write(notes.cancel, note.c.call_id == call.id, self.clock())
            whole = await self.local.read(moving.take_out, call.id, self.clock() - STALE)
            if whole is None:
                continue
            await super().write(moving.put_in, whole)
            await self.local.write(moving.forget, call.id)
            moved += 1
        self._away_until = float("-inf")
        return moved

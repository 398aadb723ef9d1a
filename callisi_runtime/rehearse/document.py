"""A rehearsed call as one JSON document."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from callisi_runtime.rehearse.rehearsal import Rehearsal


def document(rehearsal: Rehearsal) -> dict[str, object]:
    """What `--json` prints.

    `outcome`, `transcript` (`at` in seconds since the answer, `who`: caller, agent or staff, `text`), `notifications`
    (`at`, `channel`, `to`, `body`, `status`: pending, accepted, delivered or failed, `error`), `obligations` (`state`:
    open or closed, `evidence`), `dialled` (numbers), `seconds` (how long the call lasted), `unsaid` (lines of the
    script that came after its end).
    """
    books = rehearsal.books
    return {
        "agent": rehearsal.plan.spec.name,
        "caller": rehearsal.cast.caller.e164,
        "at": rehearsal.cast.at.isoformat(),
        "outcome": rehearsal.runner.record.outcome,
        "seconds": round(rehearsal.seconds, 1),
        "transcript": [
            {"at": round(line.at, 1), "who": line.who, "text": line.text}
            for line in rehearsal.runner.record.transcript
        ],
        "notifications": [
            {
                "at": round(one.at, 1),
                "channel": one.channel,
                "to": one.to,
                "body": one.body,
                "status": one.status,
                "error": one.error,
            }
            for one in books.notifications
        ],
        "obligations": [{"state": books.obligation.state, "evidence": books.obligation.evidence}],
        "dialled": list(rehearsal.line.dialled),
        "unsaid": rehearsal.unsaid,
    }

"""A provider's report, however it came: looked up in the table of codes and applied to the ledger."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from callisi_runtime.notify.codes import fault_for

if TYPE_CHECKING:
    from callisi_runtime.ledger.facade import Ledger
    from callisi_runtime.ledger.receipts import Effect
    from callisi_runtime.ledger.values import Receipt

log = logging.getLogger("callisi.notify")


async def apply_receipt(ledger: Ledger, note_id: str, step: int, receipt: Receipt) -> Effect:
    """Applies a report about one step of a notification. Safe to call any number of times in any order."""
    row = await ledger.notification(note_id)
    if row is None or not 0 <= step < len(row.note.route):
        return "unknown"
    channel = row.note.route[step].channel
    effect = await ledger.apply_receipt(
        note_id, step, receipt, fault_for(channel, receipt.status, receipt.code)
    )
    if effect == "applied" and receipt.lost:
        after = await ledger.notification(note_id)
        if after is not None and after.state == "dead":
            log.error("notification %s is dead, nobody was reached: %s", note_id, after.error)
    return effect

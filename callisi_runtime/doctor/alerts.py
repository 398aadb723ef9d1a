"""What Twilio itself complained about in the last hour, in words."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from callisi_runtime.doctor.result import Result, ok, problem, warning
from callisi_runtime.doctor.twilio import ask

if TYPE_CHECKING:
    from callisi_runtime.doctor.patient import Patient

BACK = timedelta(hours=1)
MOST = 200
"""Alerts that are read; the newest come first."""


async def alerts(patient: Patient) -> list[Result]:
    """Twilio's alerts of the last hour, one line for each code."""
    since = datetime.now(UTC) - BACK
    found = await ask(patient, lambda client: client.monitor.v1.alerts.list(start_date=since, limit=MOST))
    serious = [one for one in found if recent(one, since) and str(one.log_level) in ("error", "warning")]
    times = Counter(str(one.error_code) for one in serious)
    return [told(code, number) for code, number in times.most_common()] or [ok("none in the last hour")]


def recent(alert: Any, since: datetime) -> bool:
    """Whether it is from the last hour: Twilio filters by the day as soon as a date has no time."""
    made = alert.date_generated or alert.date_created
    return not isinstance(made, datetime) or made >= since


def told(code: str, times: int) -> Result:
    """One code, with what it means and what mends it."""
    from callisi_runtime.notify.codes import RULES

    often = "" if times == 1 else f", {times} times"
    rule = RULES.get(int(code)) if code.isdecimal() else None
    if rule is None:
        return warning(f"{code}{often}", f"twilio.com/docs/errors/{code}")
    judge = problem if rule.operator else warning
    return judge(f"{code} {rule.meaning}{often}", rule.remedy)

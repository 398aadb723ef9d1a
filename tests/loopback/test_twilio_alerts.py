"""Twilio's alerts: the real library, compared with Twilio's own description."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

from .asking import call

if TYPE_CHECKING:
    from callisi_runtime.loopback.twilio import TwilioServer
    from callisi_runtime.loopback.twilio_alerts import Alerts


async def test_alerts_are_found_by_time_and_level_the_newest_first(twilio: TwilioServer) -> None:
    alerts = cast("Alerts", twilio.parts["alerts"])
    alerts.add(32010, ago=timedelta(hours=2))
    alerts.add(32011, ago=timedelta(minutes=2))
    alerts.add(11200, level="warning")
    since = datetime.now(UTC) - timedelta(hours=1)
    recent = await call(twilio, lambda client: client.monitor.v1.alerts.list(start_date=since))
    assert [one.error_code for one in recent] == ["11200", "32011"]
    errors = await call(twilio, lambda client: client.monitor.v1.alerts.list(log_level="error"))
    assert [one.error_code for one in errors] == ["32011", "32010"]

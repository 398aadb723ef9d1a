"""Rules for misbehaviour, from inside and over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callisi_runtime.errors import UsageError
from callisi_runtime.loopback.faults import Fault, Faults

if TYPE_CHECKING:
    import aiohttp

    from callisi_runtime.loopback.openai import OpenAIServer


@pytest.mark.parametrize("text", ["status:503", "slow:2.5", "hang", "drop", "drop_mid", "accept_then_hang"])
def test_a_fault_reads_as_it_is_written(text: str) -> None:
    assert str(Fault.parse(text)) == text


@pytest.mark.parametrize("text", ["", "explode", "status", "status:200", "status:x", "slow", "hang:3"])
def test_what_is_no_fault_is_refused_with_the_faults_there_are(text: str) -> None:
    with pytest.raises(UsageError, match="allowed: status:NUMBER, slow:NUMBER, hang, drop"):
        Fault.parse(text)


def test_rules_are_used_up_in_order_by_matching_operations_only() -> None:
    faults = Faults()
    faults.add("sms", "status:500", times=2)
    faults.add("*", "drop")
    faults.add("sms", "hang", times=None)
    found = [
        str(faults.take(operation)) for operation in ("sms", "sms", "whatsapp", "whatsapp", "sms", "sms")
    ]
    assert found == ["status:500", "status:500", "drop", "None", "hang", "hang"]
    faults.clear()
    assert faults.take("sms") is None


async def test_another_process_can_script_faults_and_read_the_log(
    openai: OpenAIServer, http: aiohttp.ClientSession
) -> None:
    rules = [{"target": "models", "fault": "status:503", "times": 2, "headers": {"Retry-After": "1"}}]
    async with http.post(f"{openai.url}/__faults", json=rules) as response:
        assert await response.json() == [{"target": "models", "fault": "status:503", "times": 2}]
    async with http.get(f"{openai.base_url}/models", headers={"Authorization": "Bearer geheim"}) as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "1")
    async with http.delete(f"{openai.url}/__faults") as response:
        assert await response.json() == []
    async with http.get(f"{openai.base_url}/models") as response:
        assert response.status == 200
    async with http.get(f"{openai.url}/__log?operation=models&count=2&timeout=1") as response:
        entries = await response.json()
    assert [entry["fault"] for entry in entries] == ["status:503", None]
    assert "geheim" not in str(entries)


@pytest.mark.parametrize("rule", [{"target": "chat", "fault": "explode"}, {"fault": "drop"}, 3, ["x"]])
async def test_a_rule_that_cannot_be_read_is_refused(
    openai: OpenAIServer, http: aiohttp.ClientSession, rule: object
) -> None:
    async with http.post(f"{openai.url}/__faults", json=rule) as response:
        assert response.status == 400
    assert openai.faults.pending() == []


async def test_waiting_for_what_never_comes_ends_in_time(
    openai: OpenAIServer, http: aiohttp.ClientSession
) -> None:
    async with http.get(f"{openai.url}/__log?operation=chat&count=1&timeout=0.05") as response:
        assert await response.json() == []

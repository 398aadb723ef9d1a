"""The providers of ears, brain and voice: does each take its key, and has it the model? One cheap request each."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import aiohttp

from callisi_runtime.doctor.files import key_of
from callisi_runtime.doctor.result import Result, ok, problem, skipped, warning

if TYPE_CHECKING:
    from callisi_runtime.doctor.patient import Patient
    from callisi_runtime.spec import Provider

ONLY_LIVE: Final = "tried with --live only"
ORIGINS: Final = {
    "openai": "https://api.openai.com/v1",
    "groq": "https://api.groq.com/openai/v1",
    "deepgram": "https://api.deepgram.com",
}
"""Providers that can be asked for nothing, and where."""


@dataclass(frozen=True, slots=True)
class Account:
    """One key at one provider."""

    provider: str
    address: str
    key: str
    """The name of the variable."""


async def keys(patient: Patient) -> list[Result]:
    """Whether each provider takes its key."""
    spec = patient.known_spec()
    if not patient.live:
        return [skipped(ONLY_LIVE)]
    wanted: dict[Account, set[str]] = {}
    found: list[Result] = []
    for one in (*spec.voice.stt, *spec.voice.llm, *spec.voice.tts):
        if one.provider not in ORIGINS:
            found.append(skipped(f"{one.provider}: no request is known that costs nothing"))
        elif patient.environ.get(key_of(one), "").strip():
            wanted.setdefault(account_of(one, patient), set()).add(one.model or "")
    asked = await asyncio.gather(*(try_key(patient, one, models) for one, models in wanted.items()))
    return [*asked, *found] or [skipped("no key is set: see `environment`")]


def account_of(one: Provider, patient: Patient) -> Account:
    """Where a provider is asked, and with which key."""
    address = one.base_url or patient.environ.get(f"{one.provider.upper()}_BASE_URL", "").strip()
    if one.provider == "deepgram":
        parts = urlsplit((address or ORIGINS["deepgram"]).replace("ws", "http", 1))
        return Account(one.provider, f"{parts.scheme}://{parts.netloc}/v1/projects", key_of(one))
    return Account(one.provider, f"{(address or ORIGINS[one.provider]).rstrip('/')}/models", key_of(one))


async def try_key(patient: Patient, account: Account, models: set[str]) -> Result:
    """One request."""
    scheme = "Token" if account.provider == "deepgram" else "Bearer"
    headers = {"Authorization": f"{scheme} {patient.environ[account.key].strip()}"}
    host = urlsplit(account.address).netloc
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=patient.patience)) as session,
            session.get(account.address, headers=headers) as answer,
        ):
            if answer.status != 200:
                return refused(account, host, answer.status)
            listed = await answer.json(content_type=None)
    except TimeoutError:
        return problem(f"{host} does not answer within {patient.patience:g} s", "see its status page")
    except (aiohttp.ClientError, ValueError, OSError):
        return problem(
            f"{host} does not answer", f"check the network, and {account.provider.upper()}_BASE_URL"
        )
    return has_models(account, models, listed)


def refused(account: Account, host: str, status: int) -> Result:
    """What a refusal means."""
    if status in (401, 403):
        return problem(f"{host} refuses {account.key} ({status})", "make a new key in its console")
    if status == 429:
        return problem(
            f"{host} takes no more requests (429)", "is its account out of money, or over its limit?"
        )
    if status >= 500:
        return problem(f"{host} has a fault of its own ({status})", "see its status page, then ask again")
    return problem(f"{host} answers {status}", f"check {account.provider.upper()}_BASE_URL")


def has_models(account: Account, models: set[str], listed: Any) -> Result:
    """Whether the models that the file names are among those that the key may use."""
    data = listed.get("data") if isinstance(listed, dict) else None
    known = {str(one.get("id")) for one in data if isinstance(one, dict)} if isinstance(data, list) else set()
    missing = sorted(one for one in models - known if one) if known else []
    if missing:
        what = f"{account.key} is taken, but {', '.join(missing)} is not among its models"
        return warning(what, "correct the model in the file, or allow it in the provider's console")
    return ok(f"{account.provider} takes {account.key}")

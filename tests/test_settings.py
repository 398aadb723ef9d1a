"""The environment, read once."""

from __future__ import annotations

from pathlib import Path

import pytest

from callisi_runtime.errors import CallisiError
from callisi_runtime.settings import Settings, read_environment

SECRETS = {
    name.upper(): f"very-secret-{index}"
    for index, name in enumerate(
        (
            "livekit_api_secret",
            "openai_api_key",
            "deepgram_api_key",
            "twilio_auth_token",
            "twilio_secondary_auth_token",
            "sip_trunk_password",
            "smtp_url",
            "callisi_webhook_secret",
        )
    )
}


def test_secrets_are_read_and_never_shown() -> None:
    settings = Settings.from_environ(SECRETS)
    assert settings.twilio_auth_token == SECRETS["TWILIO_AUTH_TOKEN"]
    assert not any(secret in repr(settings) for secret in SECRETS.values())


def test_empty_counts_as_not_set() -> None:
    settings = Settings.from_environ({"LIVEKIT_URL": "  ", "CALLISI_DATABASE": "", "CALLISI_HEALTH_PORT": ""})
    assert settings == Settings()
    assert not settings.has_livekit


def test_anything_of_livekit_means_a_live_line() -> None:
    assert Settings.from_environ({"LIVEKIT_API_KEY": "key"}).has_livekit


def test_the_health_port_is_a_number() -> None:
    assert Settings.from_environ({"CALLISI_HEALTH_PORT": "9000"}).callisi_health_port == 9000


@pytest.mark.parametrize("port", ["eight", "-1", "70000", "80.5"])
def test_a_health_port_that_is_none_is_said(port: str) -> None:
    with pytest.raises(CallisiError, match="CALLISI_HEALTH_PORT"):
        Settings.from_environ({"CALLISI_HEALTH_PORT": port})


def test_the_process_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("TWILIO_SMS_TO=+49 171 3920011\nSIP_TRUNK_NAME=file\n", encoding="utf-8")
    monkeypatch.setenv("SIP_TRUNK_NAME", "process")
    environ = read_environment(tmp_path)
    assert environ["TWILIO_SMS_TO"] == "+49 171 3920011"
    assert environ["SIP_TRUNK_NAME"] == "process"


def test_a_second_file_counts_more_than_the_first(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SIP_TRUNK_USERNAME=first\nTWILIO_EDGE=dublin\n", encoding="utf-8")
    also = tmp_path / "secrets.env"
    also.write_text("SIP_TRUNK_USERNAME=second\n", encoding="utf-8")
    environ = read_environment(tmp_path, also)
    assert (environ["SIP_TRUNK_USERNAME"], environ["TWILIO_EDGE"]) == ("second", "dublin")


@pytest.mark.parametrize(
    ("text", "on"), [("yes", True), ("TRUE", True), ("no", False), ("0", False), ("", False)]
)
def test_a_switch_is_on_or_off(text: str, on: bool) -> None:
    assert Settings.from_environ({"SIP_SECURE": text}).sip_secure is on


def test_a_switch_that_is_neither_is_said() -> None:
    with pytest.raises(CallisiError, match="SIP_SECURE is neither on nor off, got 'maybe'"):
        Settings.from_environ({"SIP_SECURE": "maybe"})


def test_without_a_file_the_process_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIP_TRUNK_NAME", "process")
    assert read_environment(tmp_path)["SIP_TRUNK_NAME"] == "process"


def test_every_variable_is_explained() -> None:
    explained = (Path(__file__).parents[1] / ".env.example").read_text(encoding="utf-8")
    names = [name.upper() for name in Settings.__dataclass_fields__]
    assert [name for name in names if f"\n{name}=" not in explained] == []

"""The vocabulary: short forms, defaults, and shapes that are refused."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from callisi_runtime import spec
from callisi_runtime.docstrings import field_docs
from callisi_runtime.spec import AgentSpec, Channel, FallbackSay, Transfer, TransferSay, Voice
from callisi_runtime.spec.transfer import ASK_FOR

LEAST: dict[str, Any] = {
    "name": "paula",
    "business": {"name": "Praxis", "phone": "+49 30 23125000"},
    "persona": "Du bist am Telefon.",
    "greeting": "Hier ist die KI.",
}
PARTS = [value for value in vars(spec).values() if isinstance(value, type) and issubclass(value, BaseModel)]


def test_four_keys_are_enough() -> None:
    agent = AgentSpec.model_validate(LEAST)
    assert agent.display == "Paula"
    assert agent.transfer is None
    assert agent.fallback is None
    assert [tool.name for tool in agent.tools] == ["current_time", "end_call"]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_every_block_is_frozen_and_refuses_unknown_keys(part: type[BaseModel]) -> None:
    assert part.model_config["frozen"] is True
    assert part.model_config["extra"] == "forbid"


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_every_key_has_a_sentence(part: type[BaseModel]) -> None:
    assert sorted(field_docs(part)) == sorted(part.model_fields)


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("deepgram/nova-3", {"provider": "deepgram", "model": "nova-3"}),
        (
            "openai/gpt-4o-mini-tts:coral",
            {"provider": "openai", "model": "gpt-4o-mini-tts", "voice": "coral"},
        ),
        ("elevenlabs", {"provider": "elevenlabs"}),
        ("openai/org/model-x", {"provider": "openai", "model": "org/model-x"}),
    ],
)
def test_a_provider_has_a_short_and_a_long_form(short: str, long: dict[str, str]) -> None:
    assert Voice.model_validate({"tts": short}) == Voice.model_validate({"tts": [long]})
    assert Voice.model_validate({"tts": long}).tts[0].short() == short


def test_a_list_of_providers_is_a_failover_order() -> None:
    voice = Voice.model_validate(
        {"llm": ["openai/a", {"provider": "azure", "model": "b", "base_url": "https://x"}]}
    )
    assert [one.short() for one in voice.llm] == ["openai/a", "azure/b"]


@pytest.mark.parametrize("wrong", ["Open AI", "", "/x", "openai/", "openai:", []])
def test_what_is_no_provider_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        Voice.model_validate({"llm": wrong})


@pytest.mark.parametrize(
    "to",
    [
        "+49 30 23125111",
        ["030 23125111"],
        {"to": "030/23125111"},
        [{"to": "+493023125111"}],
        "0049 30 23125111",
    ],
)
def test_a_target_has_many_forms_and_one_number(to: object) -> None:
    transfer = Transfer.model_validate({"to": to})
    assert [target.to for target in transfer.to] == ["+493023125111"]
    assert transfer.ask_for == ASK_FOR


def test_a_target_may_ring_for_a_time_of_its_own() -> None:
    transfer = Transfer.model_validate(
        {"to": ["+49 30 23125111", {"to": "+49 30 23125112", "ring_timeout": 15}]}
    )
    assert [transfer.ring_timeout_of(index) for index in (0, 1)] == [25, 15]


def test_tools_are_named_or_named_with_options() -> None:
    agent = AgentSpec.model_validate(
        LEAST | {"tools": ["end_call", {"take_message": {"description": "Notiz."}}]}
    )
    assert [(tool.name, tool.description) for tool in agent.tools] == [
        ("end_call", None),
        ("take_message", "Notiz."),
    ]


@pytest.mark.parametrize(
    ("channel", "kind"),
    [
        ({"sms": {"to": "0171 3920011", "from": "Praxis"}}, "sms"),
        ({"whatsapp": {"to": "whatsapp:+49 171 3920011", "sandbox": True}}, "whatsapp"),
        ({"email": {"to": "a@b.example", "from": "c@d.example"}}, "email"),
        ({"webhook": {"url": "https://n8n.example/x"}}, "webhook"),
    ],
)
def test_a_channel_is_one_of_four(channel: dict[str, Any], kind: str) -> None:
    value = Channel.model_validate(channel)
    assert value.kind == kind
    assert value.settings is getattr(value, kind)


@pytest.mark.parametrize(
    ("sender", "expected"),
    [("Praxis", "Praxis"), ("+49 30 23125100", "+493023125100"), ("030 23125100", "+493023125100")],
)
def test_an_sms_comes_from_a_number_or_from_up_to_eleven_letters(sender: str, expected: str) -> None:
    channel = Channel.model_validate({"sms": {"to": "0171 3920011", "from": sender}})
    assert channel.sms is not None
    assert channel.sms.sender == expected


def test_whatsapp_wants_a_template_or_says_sandbox() -> None:
    with pytest.raises(ValidationError, match="content_sid"):
        Channel.model_validate({"whatsapp": {"to": "+49 171 3920011"}})


def test_every_default_would_pass_as_if_it_were_written() -> None:
    agent = AgentSpec.model_validate(LEAST)
    turn = agent.voice.turn
    for block in (agent.voice, turn, turn.interruption, agent.say, agent.privacy, agent.limits):
        assert type(block).model_validate(block.model_dump(by_alias=True)) == block
    for kind in (TransferSay, FallbackSay):
        assert kind.model_validate(kind.model_construct().model_dump()) == kind()
    for one in (*agent.tools, *agent.voice.stt, *agent.voice.llm, *agent.voice.tts):
        assert type(one).model_validate(one.model_dump()) == one


def test_reading_a_file_builds_one_validator_and_not_one_for_each_block() -> None:
    code = (
        "from callisi_runtime.spec import AgentSpec, Business, Voice\n"
        "AgentSpec.model_rebuild()\n"
        "print([kind.__pydantic_complete__ for kind in (AgentSpec, Business, Voice)])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[True, False, False]\n"

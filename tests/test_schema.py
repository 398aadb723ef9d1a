"""The schemas are those of the models; alone they accept every file, and underline what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from callisi_runtime.reference import reference_text
from callisi_runtime.schema import schema_texts

ROOT = Path(__file__).parents[1]
AGENTS = sorted(
    [*ROOT.glob("agents/*.yaml"), *ROOT.glob("variants/*.yaml"), *ROOT.glob("tests/checks/good/*.yaml")]
)
SHAPE = [  # mistakes that can be seen without knowing what the rest of the file means
    "unknown-key",
    "key-in-the-wrong-block",
    "several-mistakes-at-once",
    "not-a-language",
    "name-with-a-blank",
    "tool-that-does-not-exist",
    "ring-timeout-out-of-range",
    "channel-of-no-kind",
    "no-channels",
    "mail-address-that-is-none",
    "webhook-without-address",
    "template-id-that-is-none",
    "missing-everything",
]


@pytest.fixture(scope="module")
def agent() -> Any:
    schema = json.loads(schema_texts()["agent.schema.json"])
    Draft7Validator.check_schema(schema)
    return Draft7Validator(schema)


class Loader(yaml.SafeLoader):
    """Reads dates as texts, as editors and check-jsonschema do."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in each if not tag.endswith("timestamp")]
    for first, each in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def accepts(validator: Any, text: str) -> bool:
    return not list(validator.iter_errors(yaml.load(text, Loader)))


def test_the_files_are_those_of_the_models() -> None:
    for name, text in schema_texts().items():
        assert (ROOT / "schemas" / name).read_text(encoding="utf-8") == text, "run `make schemas`"


def test_the_reference_is_that_of_the_models() -> None:
    assert (ROOT / "docs" / "reference.md").read_text(encoding="utf-8") == reference_text(), (
        "run `make schemas`"
    )


@pytest.mark.parametrize("path", AGENTS, ids=lambda path: path.stem)
def test_every_agent_is_accepted(agent: Any, path: Path) -> None:
    assert accepts(agent, path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", AGENTS, ids=lambda path: path.stem)
def test_the_first_line_points_to_the_schema(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    target = first.removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / target).resolve() == ROOT / "schemas" / "agent.schema.json"


@pytest.mark.parametrize("name", SHAPE)
def test_a_wrong_shape_is_underlined(agent: Any, name: str) -> None:
    text = (ROOT / "tests" / "checks" / "bad" / f"{name}.yaml").read_text(encoding="utf-8")
    assert not accepts(agent, text)


BASE = "extends: base.yaml\n"


@pytest.mark.parametrize(
    "text",
    [
        "transfer: {ring_timeout: '${RING_TIMEOUT_SECONDS:-25}'}",
        "transfer: {accept: '${ACCEPT}', to: '${A}'}",
        "transfer: {to: [+49 30 23125111, {to: +4930231251}]}",
        "transfer: {to: {to: 030 23125111, hours: {open: {mo-fr: 08:00-17:00}}}}",
        "transfer: {to: +493023125111}",
        "transfer: $remove",
        "transfer: {ring_timeout: $remove, say: {busy: $remove}}",
        "fallback: {say: $remove, patience: $remove}",
        "name: $remove",
        "disclosure:",
        "voice: {llm: openai/gpt-4.1-mini, tts: [openai/x:coral, {provider: azure, options: {speed: 1.1}}]}",
        "voice: {turn: {interruption: {resume_after: null}}}",
        "tools: [end_call, {take_message: {description: Nachricht}}]",
        "privacy: {keep_transcript: '${KEEP:-false}'}",
        "fallback: {channels: [{whatsapp: {to: 'whatsapp:+49171', sandbox: true}}]}",
        "hours: {open: {mo-fr: [08:00-12:00, 14:00-18:00]}, closed_on: ['12-25']}",
    ],
)
def test_short_forms_variables_and_removal_are_accepted(agent: Any, text: str) -> None:
    assert accepts(agent, BASE + text)


@pytest.mark.parametrize(
    "text",
    [
        "transfer: {ring_timeout: soon}",
        "transfer: {acept: press_1}",
        "fallback: {channels: [{sms: {}}]}",
        "facts: [{ask: [Adresse]}]",
        "privacy: {keep_transcript: perhaps}",
        "business: {phone: true}",
        "hours: {open: 8-17}",
        "tools: end_call",
        "extends: [a.yaml, b.yaml]",
    ],
)
def test_what_no_file_can_hold_is_refused(agent: Any, text: str) -> None:
    assert not accepts(agent, text if text.startswith("extends") else BASE + text)


def test_every_key_has_a_sentence() -> None:
    schema = json.loads(schema_texts()["agent.schema.json"])
    blocks = {"agent": schema, **schema["$defs"]}
    silent = [
        f"{name}.{key}"
        for name, block in blocks.items()
        for key, value in block.get("properties", {}).items()
        if "description" not in value and "$ref" not in str(value)
    ]
    assert silent == []

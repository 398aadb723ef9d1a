"""`docs/whatsapp.md` says what is so: its file is right, and its text is the one that is handed in."""

from __future__ import annotations

import re
from pathlib import Path

from callisi_runtime.checks import load_agent
from callisi_runtime.plan import sample_call, variables
from callisi_runtime.plan.content import content_template, refusals

PAGE = Path("docs/whatsapp.md").read_text(encoding="utf-8")


def test_the_file_on_the_page_becomes_the_text_on_the_page(tmp_path: Path) -> None:
    (yaml,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    file = tmp_path / "clara.yaml"
    above = Path("variants/forward_sms.yaml").resolve()
    file.write_text(f"extends: {above}\nname: clara\n{yaml}", encoding="utf-8")
    spec = load_agent(file, {}).value
    assert spec.fallback is not None
    channel = spec.fallback.channels[0].whatsapp
    assert channel is not None
    assert channel.template is not None
    body = content_template(channel.template, variables(spec, sample_call())).body
    assert f"    {body}\n" in PAGE
    assert list(refusals(body)) == []


def test_every_setting_on_the_page_is_in_the_example() -> None:
    example = Path(".env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:TWILIO|CALLISI)_[A-Z_]+\b", PAGE))
    assert named
    assert {name for name in named if f"{name}=" not in example} == set()

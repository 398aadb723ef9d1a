"""The agent that is simulated: it dials two people, one after the other, and writes SMS, then an e-mail."""

from __future__ import annotations

from pathlib import Path

import pytest

from callisi_runtime.checks import load_agent
from callisi_runtime.plan import CallPlan, make_plan
from callisi_runtime.settings import Settings

PRAXIS = """\
extends: ../variants/forward_sms.yaml
name: praxis
transfer:
  to: ["+49 30 23125111", "+49 30 23125112"]
  ring_timeout: 20
fallback:
  ask_message: true
  channels:
    - sms:
        to: "+49 171 3920011"
        message: "{{ agent.name }}: Bitte Rückruf an {{ caller.phone }}"
        message_hidden: "{{ agent.name }}: Anruf ohne Nummer"
        tries: 3
    - email:
        to: praxis@example.org
        message: "Bitte Rückruf an {{ caller.phone }}"
        message_hidden: "Anruf ohne Nummer"
"""


@pytest.fixture(scope="session")
def clara() -> CallPlan:
    return plan_of(Path("agents/clara.yaml"))


@pytest.fixture(scope="session")
def praxis(tmp_path_factory: pytest.TempPathFactory) -> CallPlan:
    folder = tmp_path_factory.mktemp("office")
    (folder / "variants").symlink_to(Path("variants").resolve())
    (folder / "agents").mkdir()
    file = folder / "agents" / "praxis.yaml"
    file.write_text(PRAXIS, encoding="utf-8")
    return plan_of(file)


def plan_of(file: Path) -> CallPlan:
    return make_plan(load_agent(file, {}).value, Settings())

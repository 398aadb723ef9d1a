"""What the environment says about WhatsApp in place of the file is looked at, too."""

from __future__ import annotations

from pathlib import Path

import pytest

from callisi_runtime.checks import load_agent
from callisi_runtime.errors import SpecError

SID = "HX" + "a" * 32
OWN = "whatsapp:+49 30 90182000"
AGENT = """
extends: {above}
name: clara
fallback:
  channels:
    - whatsapp:
        to: +49 171 3920011
        sandbox: {sandbox}
        template: "Bitte Rückruf an {{{{ caller.phone }}}}. Ref {{{{ call.reference }}}}, danke."
"""


def codes(folder: Path, sandbox: bool, **environ: str) -> set[str]:
    file = folder / "clara.yaml"
    above = Path("variants/forward_sms.yaml").resolve()
    file.write_text(AGENT.format(above=above, sandbox=str(sandbox).lower()), encoding="utf-8")
    try:
        found = load_agent(file, environ).warnings
    except SpecError as error:
        found = error.problems
    return {problem.code for problem in found} - {"example-number"}


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, {"whatsapp-sandbox"}),
        (
            {"TWILIO_WHATSAPP_FROM": "whatsapp:+14155238886", "TWILIO_WHATSAPP_CONTENT_SID": SID},
            {"whatsapp-sandbox"},
        ),
        ({"TWILIO_WHATSAPP_FROM": OWN}, {"whatsapp-sandbox"}),
        ({"TWILIO_WHATSAPP_FROM": OWN, "TWILIO_WHATSAPP_CONTENT_SID": SID}, set()),
    ],
)
def test_the_sandbox_is_left_when_sender_and_template_are_there(
    tmp_path: Path, environ: dict[str, str], expected: set[str]
) -> None:
    assert codes(tmp_path, True, **environ) == expected


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"TWILIO_WHATSAPP_FROM": OWN}, {"whatsapp-unapproved"}),
        (
            {"TWILIO_WHATSAPP_FROM": "whatsapp:+14155238886", "TWILIO_WHATSAPP_CONTENT_SID": SID},
            {"whatsapp-sandbox"},
        ),
        ({"TWILIO_WHATSAPP_FROM": OWN, "TWILIO_WHATSAPP_CONTENT_SID": SID}, set()),
    ],
)
def test_a_line_wants_a_sender_of_its_own_and_an_approved_text(
    tmp_path: Path, environ: dict[str, str], expected: set[str]
) -> None:
    assert codes(tmp_path, False, **environ) == expected


@pytest.mark.parametrize(
    "environ",
    [
        {"TWILIO_WHATSAPP_FROM": "whatsapp:+49-your-phone-number"},
        {"TWILIO_WHATSAPP_FROM": OWN, "TWILIO_WHATSAPP_CONTENT_SID": "HX123"},
    ],
)
def test_a_variable_that_is_not_what_it_should_be_is_a_mistake(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    assert "bad-variable" in codes(tmp_path, True, **environ)

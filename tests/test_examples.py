"""Everything that the agents and variants of this repository say and send, kept as snapshots."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from callisi_runtime.checks import load_agent
from callisi_runtime.render import as_document, render_agent
from callisi_runtime.spec import AgentSpec

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted([*ROOT.glob("agents/*.yaml"), *ROOT.glob("variants/*.yaml")])
ENV_EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
GUIDE = {
    *("TWILIO_PHONE_NUMBER", "TWILIO_SMS_TO", "TWILIO_WHATSAPP_FROM", "TWILIO_WHATSAPP_TO"),
    *("DEFAULT_FORWARD_NUMBER", "SIP_TRUNK_NAME", "RING_TIMEOUT_SECONDS"),
}
each_example = pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)


def spec_of(name: str) -> AgentSpec:
    return load_agent(ROOT / f"{name}.yaml", {}).value


@each_example
@pytest.mark.parametrize("hidden", [False, True], ids=["number", "hidden"])
def test_what_is_said_and_sent(path: Path, hidden: bool, snapshot: SnapshotAssertion) -> None:
    assert as_document(render_agent(load_agent(path, {}).value, hidden=hidden)) == snapshot


@each_example
def test_an_example_needs_nothing_configured_and_warns_of_nothing_but_its_example_numbers(path: Path) -> None:
    expected = {"example-number"} | ({"whatsapp-sandbox"} if "whatsapp" in path.stem else set())
    assert {problem.code for problem in load_agent(path, {}).warnings} == expected


@each_example
def test_every_variable_is_the_guides_and_explained(path: Path) -> None:
    variables = load_agent(path, {}).variables
    assert variables <= GUIDE
    assert all(re.search(rf"^{name}=", ENV_EXAMPLE, re.MULTILINE) for name in variables)


@each_example
def test_the_file_filled_in_as_the_guide_says_is_right(path: Path) -> None:
    environ = {
        "TWILIO_PHONE_NUMBER": "+4915888648394",
        "TWILIO_SMS_TO": "+49 171 2345678",
        "TWILIO_WHATSAPP_FROM": "whatsapp:+14155238886",
        "TWILIO_WHATSAPP_TO": "whatsapp:+491712345678",
        "DEFAULT_FORWARD_NUMBER": "+49 30 901820",
        "SIP_TRUNK_NAME": "Callisi-LiveKit-Trunk",
        "RING_TIMEOUT_SECONDS": "20",
    }
    spec = load_agent(path, environ).value
    assert "+4915888648394" in spec.business.numbers
    if spec.transfer is not None:
        assert (spec.transfer.to[0].to, spec.transfer.ring_timeout) == ("+4930901820", 20)


def test_the_texts_of_the_guide_are_there() -> None:
    texts = [one.text for one in render_agent(spec_of("agents/clara")).sentences]
    assert "Einen Moment bitte, ich stelle Sie durch ..." in texts
    assert "Ich habe das Team per SMS informiert; Sie werden zurückgerufen." in texts
    message = render_agent(spec_of("agents/clara")).notifications[0].text
    assert re.match(r"Clara: Ziel nicht erreicht \(.+\)\. Bitte Rückruf an 0152 28817386", message)


def test_whoever_cannot_be_called_back_is_not_promised_it() -> None:
    rendering = render_agent(spec_of("agents/clara"), hidden=True)
    notified = next(one.text for one in rendering.sentences if one.key == "notified")
    assert "zurückgerufen" not in notified
    assert all("Rückruf" not in one.text for one in rendering.notifications)


def test_every_sms_is_one_part_in_gsm7() -> None:
    for hidden in (False, True):
        sizes = {one.size for one in render_agent(spec_of("agents/clara"), hidden=hidden).notifications}
        assert {(size.encoding, size.segments) for size in sizes if size} == {("GSM-7", 1)}


def test_the_basic_variant_dials_nobody_and_promises_nothing() -> None:
    spec = spec_of("variants/basic")
    rendering = render_agent(spec)
    assert spec.transfer is None
    assert rendering.notifications == ()
    assert not any("informiert" in one.text or "zurückgerufen" in one.text for one in rendering.sentences)
    assert "Nachricht aufzunehmen" not in rendering.prompt


def test_the_readme_names_files_that_exist() -> None:
    for name in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        targets = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]
        assert [target for target in targets if not (ROOT / target).exists()] == []


def test_the_first_block_of_the_readme_is_two_make_targets() -> None:
    block = re.search(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    lines = block[1].splitlines()
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert lines == ["make clara", "make test"]
    assert all(f"\n{line.removeprefix('make ')}:" in makefile for line in lines)


def test_the_agent_in_the_readme_is_right(tmp_path: Path) -> None:
    block = re.search(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    agent = tmp_path / "praxis.yaml"
    agent.write_text(block[1].replace("../variants/", f"{ROOT}/variants/"), encoding="utf-8")
    assert load_agent(agent, {}).value.display == "Paula"


def test_the_lock_names_no_registry_and_pins_everything_by_hash() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    assert "--index-url" not in lock
    pinned = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]
    assert len(pinned) > 50
    assert [one.splitlines()[0] for one in pinned if "--hash=sha256:" not in one or "==" not in one] == []

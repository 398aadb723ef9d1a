from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from callisi_runtime.flow import Outcome
from callisi_runtime.rehearse.scenario import Ending
from callisi_runtime.rehearse.suite import Result, run_file, run_files
from tests.rehearse.kit import PERSON, ROOT

SMS = str(ROOT / "variants" / "forward_sms.yaml")


def scenario(tmp_path: Path, **parts: Any) -> Path:
    file = tmp_path / "one.yaml"
    file.write_text(json.dumps({"agent": SMS, "call": [PERSON], **parts}), encoding="utf-8")
    return file


def result(tmp_path: Path, **parts: Any) -> Result:
    [one] = run_file(scenario(tmp_path, **parts), {})
    return one


def test_every_outcome_of_the_machine_can_be_expected() -> None:
    assert set(get_args(Ending)) == {"served", *(one.value for one in Outcome)}


@pytest.mark.parametrize(
    ("expect", "words"),
    [
        ({"outcome": "busy"}, "outcome: expected busy, got rang_out"),
        (
            {"said": ["informiert", "ich stelle Sie durch"]},
            "should have said after this: ich stelle Sie durch",
        ),
        ({"never_said": ["ich stelle Sie durch"]}, "should not have said: ich stelle Sie durch"),
        ({"staff_said": ["Hallo"]}, "the staff should have said after this: Hallo"),
        ({"notifications": []}, "messages: expected none, got sms"),
        ({"notifications": [{"channel": "sms", "status": "failed"}]}, "should be failed, and is delivered"),
        ({"notifications": [{"channel": "sms", "body": ["besetzt"]}]}, "should contain: besetzt"),
        ({"notifications": [{"channel": "sms", "never": ["Rückruf"]}]}, "should not contain: Rückruf"),
        ({"dialled": [1, 1]}, "dialled: expected targets 1, 1, got 1"),
        ({"owed": "callback"}, "owed: expected callback, got nothing"),
        ({"evidence": "accepted_by_person"}, "evidence: expected accepted_by_person, got message_accepted"),
        ({"longest": 20}, "should last 20 s at most"),
    ],
)
def test_every_expectation_can_fail_and_says_what_came_out(
    tmp_path: Path, expect: dict[str, Any], words: str
) -> None:
    one = result(tmp_path, expect=expect)
    assert not one.passed
    assert words in one.differences[0]
    assert f">>>>>  {one.differences[0]}" in one.timeline


def test_what_is_not_expected_may_be_anything(tmp_path: Path) -> None:
    assert result(tmp_path).passed


def test_the_difference_stands_below_the_line_where_it_shows(tmp_path: Path) -> None:
    lines = result(tmp_path, expect={"never_said": ["ich stelle Sie durch"]}).timeline.splitlines()
    marked = next(index for index, line in enumerate(lines) if line.startswith(">>>>>"))
    assert any("ich stelle Sie durch" in line for line in lines[marked - 3 : marked])


def test_an_agent_may_differ_in_a_scenario(tmp_path: Path) -> None:
    changed = {"transfer": {"say": {"connecting": "Moment."}}}
    assert result(tmp_path, **{"with": changed}, expect={"said": ["Moment."]}).passed


def test_a_mistake_in_the_agent_is_told_for_this_scenario(tmp_path: Path) -> None:
    one = result(tmp_path, **{"with": {"transfr": {}}})
    assert one.error is not None
    assert "transfr" in one.error


def test_an_act_that_makes_no_sense_at_its_place_is_an_error_of_the_scenario(tmp_path: Path) -> None:
    one = result(tmp_path, call=["/staff hangup"])
    assert one.error == "nobody of the staff is on the line"


def test_lines_after_the_end_are_a_difference(tmp_path: Path) -> None:
    one = result(tmp_path, call=["/hangup", "Hallo?"])
    assert one.differences == ("the call was over before 1 line(s) of the caller",)


def test_variables_of_the_scenario_come_before_those_of_the_machine(tmp_path: Path) -> None:
    file = scenario(tmp_path, env={"RING_TIMEOUT_SECONDS": 10}, expect={"longest": 90, "outcome": "rang_out"})
    [one] = run_file(file, {"RING_TIMEOUT_SECONDS": "60"})
    assert one.passed


def test_several_processes_come_to_the_same(tmp_path: Path) -> None:
    files = []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        files.append(scenario(tmp_path / str(number), expect={"outcome": "rang_out"}))
    one, two = run_files(files, {}, jobs=1), run_files(files, {}, jobs=2)
    assert [result.call for result in one] == [result.call for result in two]


def test_the_scenario_in_the_documentation_goes_as_it_says(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "rehearsal.md").read_text(encoding="utf-8")
    block = text.split("```yaml\n")[1].split("```")[0]
    file = tmp_path / "documented.yaml"
    file.write_text(block.replace("../variants", str(ROOT / "variants")), encoding="utf-8")
    [one] = run_file(file, {})
    assert one.passed, one.timeline

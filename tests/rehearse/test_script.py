from __future__ import annotations

from pathlib import Path

import pytest

from callisi_runtime.errors import CallisiError, UsageError
from callisi_runtime.rehearse.acts import ACTS
from callisi_runtime.rehearse.script import lines_of, read_script


def test_blank_lines_and_comments_are_left_out() -> None:
    assert lines_of("Hallo\n\n# Kommentar\n  /hangup  \n") == ["Hallo", "/hangup"]


def test_an_act_that_does_not_exist_is_refused_before_anything_is_played_with_the_list() -> None:
    with pytest.raises(UsageError) as error:
        lines_of("Hallo\n/explode")
    assert all(act.usage in str(error.value) for act in ACTS.values())


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_script_that_cannot_be_read_is_one_clear_sentence(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "call.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CallisiError, match="cannot be read"):
        read_script(str(file))


@pytest.mark.parametrize(
    "line",
    ["/wait", "/wait -5s", "/press", "/press x", "/staff foo", "/staff press", "/staff say", "/staff 0 busy",
     "/provider foo 503", "/provider sms", "/provider sms 999", "/provider llm 503", "/hangup now"],
)  # fmt: skip
def test_an_act_that_makes_no_sense_is_refused_before_anything_is_played(line: str) -> None:
    with pytest.raises(UsageError):
        lines_of(f"Guten Tag\n{line}")

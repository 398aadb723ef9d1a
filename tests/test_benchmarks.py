"""The benchmarks: they can be imported, what they compute is right, and both sides say the same."""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import benchmarks
from benchmarks.cost import Memory, between
from benchmarks.ledger import percentile
from benchmarks.report import Report, Row, Spread, by_turns, line_of, ratio_of
from benchmarks.text import letters, write_specs
from callisi_runtime.checks import load_agent

ROOT = Path(__file__).parents[1]
MODULES = [
    one.name
    for one in pkgutil.walk_packages(benchmarks.__path__, "benchmarks.")
    if "__main__" not in one.name
]


@pytest.mark.parametrize("module", MODULES)
def test_every_benchmark_can_be_imported_and_measures_nothing_by_that(module: str) -> None:
    importlib.import_module(module)


def test_a_spread_is_least_median_and_greatest() -> None:
    assert Spread.of([3.0, 1.0, 2.0, 10.0]) == Spread(1.0, 2.5, 10.0, 4)


def test_nothing_measured_has_no_spread() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        Spread.of([])


def test_a_ratio_is_that_of_the_medians_between_those_of_the_pairs() -> None:
    assert ratio_of([1.0, 2.0, 3.0], [2.0, 2.0, 12.0]) == Spread(0.25, 1.0, 1.0, 3)


def test_sides_take_turns_and_the_first_turn_changes() -> None:
    turns: list[str] = []

    def side(name: str) -> float:
        turns.append(name)
        return float(len(turns))

    assert by_turns(2, lambda: side("a"), lambda: side("b")) == [[1.0, 4.0], [2.0, 3.0]]
    assert turns == ["a", "b", "b", "a"]


@pytest.mark.parametrize(
    ("ours", "theirs", "target", "reached"),
    [
        ([1.0], [2.0], 0.5, True),
        ([1.1], [2.0], 0.5, False),
        ([3.0], [], 2.9, False),
        ([3.0, 2.0], [], 3.0, True),
    ],
)
def test_a_target_bounds_the_ratio_or_without_a_rival_the_greatest_figure(
    ours: list[float], theirs: list[float], target: float, reached: bool
) -> None:
    report = Report("test", quiet=True)
    report.add("it", "s", ours, rival="that" if theirs else "", theirs=theirs, target=target)
    assert report.rows[0].reached is reached


def test_a_row_is_one_line_with_both_sides_their_ratio_and_the_load() -> None:
    row = Row(
        "it",
        "s",
        Spread(1, 2, 3, 5),
        "that",
        Spread(4, 4, 4, 5),
        Spread(0.25, 0.5, 0.75, 5),
        0.4,
        load=(0.1, 1.2),
    )
    assert line_of(row) == (
        "it | 2.000 (1.000 to 3.000) s | that: 4.000 (4.000 to 4.000) s | ratio 0.50 (0.25 to 0.75)"
        " | target 0.4: missed | n=5, load 0.1 to 1.2"
    )


def test_what_cannot_be_measured_says_why() -> None:
    report = Report("test", quiet=True)
    report.skip("it", "that", "not on PATH: livekit-sip")
    assert line_of(report.rows[0]) == "it | that | skipped: not on PATH: livekit-sip"
    assert report.rows[0].reached is None


def test_a_side_that_was_never_seen_is_no_ratio() -> None:
    report = Report("test", quiet=True)
    report.add("it", "s", [1.0], rival="that", theirs=[], target=1.0)
    assert report.rows[0].skipped


def test_the_document_names_the_machine_and_every_row() -> None:
    report = Report("test", quiet=True)
    report.add("it", "s", [1.0], target=2.0)
    document = json.loads(json.dumps(report.as_dict()))
    assert document["machine"]["cores"]
    assert [(row["subject"], row["reached"]) for row in document["rows"]] == [("it", True)]


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert percentile([float(one) for one in range(1, 101)], 0.99) == 99.0
    assert percentile([5.0, 1.0], 0.5) == 1.0


def test_cpu_counts_a_process_that_began_meanwhile_whole() -> None:
    assert between({1: 10.0, 2: 5.0}, {1: 11.0, 3: 0.5}) == pytest.approx(1.5)


def test_memory_is_subtracted_kind_by_kind() -> None:
    assert Memory(10, 7) - Memory(4, 3) == Memory(6, 4)


def test_what_a_terminal_shows_is_compared_without_its_line_breaks() -> None:
    assert letters(b"Guten Tag, hier\r\n ist Clara") == letters(b"Guten Tag, hier ist Clara")


def test_the_thousand_files_are_without_a_mistake(tmp_path: Path) -> None:
    for file in write_specs(tmp_path, 2):
        assert load_agent(file, {}).value.name == file.stem


def test_both_sides_say_the_same_and_ring_the_same_person() -> None:
    by_hand = importlib.import_module("benchmarks.hand_written.agent")
    spec = load_agent(ROOT / "benchmarks" / "agent.yaml", {}).value
    assert spec.transfer is not None
    assert spec.greeting == by_hand.GREETING
    assert spec.transfer.say.connecting == by_hand.CONNECTING
    assert [target.to for target in spec.transfer.to] == [by_hand.STAFF]
    assert spec.limits.max_calls == by_hand.MAX_CALLS
    assert (spec.voice.turn.min_delay, spec.voice.turn.max_delay) == (0.3, 1.2)


def test_by_hand_means_without_callisi() -> None:
    source = (ROOT / "benchmarks" / "hand_written" / "agent.py").read_text()
    assert "callisi_runtime" not in source


def test_without_the_programs_of_a_line_the_benchmark_says_what_is_missing() -> None:
    command = [sys.executable, "-m", "benchmarks.line", "--json", "--only", "greeting"]
    done = subprocess.run(
        command, cwd=ROOT, env={"PATH": "/nowhere"}, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["rows"]
    assert "livekit-server" in row["skipped"]

"""No check without a test in which it fails, and one in which it finds everything well."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from callisi_runtime.doctor import CHECKS

from .test_broken import BROKEN, SOON, WELL

FAILS_IN = {
    "disk": "test_machine.test_a_place_without_room_is_a_problem",
    "clock": "test_machine.test_a_clock_that_is_wrong_is_found_wrong",
    "speech": "test_output.test_a_set_up_that_is_well",
    "provider keys": "test_tries.test_a_key_that_is_not_taken_is_a_problem",
    "a message": "test_tries.test_a_message_that_is_lost_says_why",
    "a call": "test_tries.test_how_a_call_ends_is_explained",
    "emergency route tried": "test_tries.test_an_emergency_route_that_answers_an_error_is_a_problem",
    "port": "test_worker.test_a_port_that_another_program_has_is_a_problem",
    "worker": "test_worker.test_a_worker_without_a_watchdog_is_a_problem",
    "watchdog": "test_worker.test_a_worker_without_a_watchdog_is_a_problem",
}
PASSES_IN = {
    "provider keys": "test_tries.test_each_key_is_tried_once",
    "a message": "test_tries.test_a_message_that_arrives_is_well",
    "a call": "test_tries.test_a_telephone_rings_and_is_let_go",
    "emergency route tried": "test_tries.test_the_emergency_route_is_asked_as_twilio_asks_it",
    "worker": "test_worker.test_a_worker_without_a_watchdog_is_a_problem",
    "watchdog": "test_worker.test_a_worker_without_a_watchdog_is_a_problem",
    "reports": "test_worker.test_a_server_for_reports_that_answers_is_well",
}


def healthy() -> set[str]:
    """The checks that say `ok` in the snapshot of a set-up that is well."""
    text = (Path(__file__).parent / "__snapshots__" / "test_output.ambr").read_text(encoding="utf-8")
    section = text.partition("# name: test_a_set_up_that_is_well\n")[2].partition("# ---")[0]
    return set(re.findall(r"^  ok    (\S.*?)  ", section, re.MULTILINE))


def test_every_check_is_seen_failing() -> None:
    rows = {check for _, check, _, _ in (*BROKEN, *SOON)}
    assert rows.isdisjoint(FAILS_IN)
    assert rows | set(FAILS_IN) == set(CHECKS)


def test_every_check_is_seen_passing() -> None:
    rows = {check for _, check, _ in WELL} | healthy()
    assert rows.isdisjoint(PASSES_IN)
    assert rows | set(PASSES_IN) == set(CHECKS)


def test_the_tests_that_are_named_exist() -> None:
    for name in {*FAILS_IN.values(), *PASSES_IN.values()}:
        module, _, test = name.partition(".")
        assert hasattr(importlib.import_module(f"tests.doctor.{module}"), test), name

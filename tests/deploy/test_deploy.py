"""What stands in deploy/: its syntax, its ports, its names and its commands. It is not run here."""

from __future__ import annotations

import configparser
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf.json_format import Parse
from livekit.protocol import sip

from callisi_runtime.cli.run import run_parser
from callisi_runtime.settings import DEFAULT_DATABASE, Settings

DEPLOY = Path("deploy")
EXAMPLE = Path(".env.example").read_text(encoding="utf-8")
OWN = {"LIVEKIT_IMAGE", "SIP_IMAGE", "CALLISI_AGENT"}
"""What compose reads for itself, each with a default."""


def read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    services: dict[str, Any] = read("compose.yaml")["services"]
    return services


def test_there_are_four_services_on_the_machines_own_network(compose: dict[str, Any]) -> None:
    assert sorted(compose) == ["livekit", "redis", "sip", "worker"]
    for service in compose.values():
        assert service["network_mode"] == "host"
        assert "ports" not in service, "ports are ignored on the host's network"
        assert service["restart"] == "unless-stopped"


def test_every_variable_is_one_that_the_example_explains_or_has_a_default() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    used = dict(re.findall(r"\$\{(\w+)(:[-?])", text))
    assert len(used) == len(set(re.findall(r"\$\{(\w+)", text))), "each says what follows when it is not set"
    explained = set(re.findall(r"^(\w+)=", EXAMPLE, re.MULTILINE))
    assert set(used) - OWN <= explained
    assert all(used[name] == ":-" for name in OWN)


def test_the_worker_runs_a_command_that_exists_with_settings_that_exist(compose: dict[str, Any]) -> None:
    worker = compose["worker"]
    program, agent = worker["command"]
    assert program == "callisi-run"
    file = re.sub(r"\$\{\w+:-(.*)\}", r"\1", agent)
    assert Path(file).is_file()
    assert run_parser().parse_args([file]).agent == file
    assert {name.lower() for name in worker["environment"]} <= set(Settings.__dataclass_fields__)
    assert Settings.from_environ(worker["environment"]).callisi_database != DEFAULT_DATABASE
    assert f":{Settings().callisi_health_port}/healthz" in worker["healthcheck"]["test"][-1]
    grace = int(worker["stop_grace_period"].removesuffix("m")) * 60
    assert grace > Settings().callisi_drain_seconds, "a worker that drains is not to be killed"


def test_the_files_that_are_mounted_and_copied_exist(compose: dict[str, Any]) -> None:
    for service in compose.values():
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            if source.startswith("."):
                assert (DEPLOY / source).exists(), source
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert (DEPLOY / compose["worker"]["build"]["context"]).resolve() == Path.cwd()
    for line in re.findall(r"^COPY (.*) \S+$", dockerfile, re.MULTILINE):
        for source in line.split():
            assert Path(source).exists(), source


def test_all_parts_meet_at_the_same_places(compose: dict[str, Any]) -> None:
    livekit, bridge = read("livekit.yaml"), read("sip.yaml")
    assert livekit["redis"]["address"] == bridge["redis"]["address"] == "127.0.0.1:6379"
    assert compose["redis"]["command"][-4:-3] == ["6379"]
    address = f"ws://127.0.0.1:{livekit['port']}"
    assert compose["sip"]["environment"]["LIVEKIT_WS_URL"] == address
    assert compose["worker"]["environment"]["LIVEKIT_URL"] == address
    assert compose["livekit"]["environment"]["LIVEKIT_KEYS"].startswith("${LIVEKIT_API_KEY")


def test_only_sip_and_its_audio_can_be_reached_from_outside() -> None:
    livekit, bridge = read("livekit.yaml"), read("sip.yaml")
    assert livekit["bind_addresses"] == ["127.0.0.1"]
    assert livekit["rtc"]["use_external_ip"] is False
    assert (bridge["sip_port"], bridge["rtp_port"]) == (5060, "10000-20000")
    first, last = map(int, bridge["rtp_port"].split("-"))
    assert not first <= livekit["rtc"]["port_range_start"] <= last


def test_no_secret_stands_in_any_file() -> None:
    for file in DEPLOY.rglob("*"):
        if file.is_file():
            assert not re.search(r"\b(AC|SK)[0-9a-f]{32}\b|[0-9a-f]{32}", file.read_text(encoding="utf-8"))


def test_the_trunks_are_what_livekit_understands() -> None:
    folder = DEPLOY / "livekit"
    inbound = Parse((folder / "inbound-trunk.json").read_text(), sip.CreateSIPInboundTrunkRequest()).trunk
    outbound = Parse((folder / "outbound-trunk.json").read_text(), sip.CreateSIPOutboundTrunkRequest()).trunk
    rule = Parse(
        (folder / "dispatch-rule.json").read_text(), sip.CreateSIPDispatchRuleRequest()
    ).dispatch_rule
    assert (inbound.ringing_timeout.seconds, inbound.max_call_duration.seconds) == (20, 4 * 3600)
    assert outbound.name in EXAMPLE, "the name that SIP_TRUNK_NAME has in .env.example"
    assert outbound.auth_username
    assert [agent.agent_name for agent in rule.room_config.agents] == ["clara"]
    assert rule.rule.dispatch_rule_individual.room_prefix == "call-"


def test_the_unit_runs_the_worker_and_lets_it_drain() -> None:
    unit = configparser.ConfigParser(strict=True, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's keys have capitals
    unit.read(DEPLOY / "callisi.service")
    service = unit["Service"]
    assert service["ExecStart"].endswith("callisi-run agents/clara.yaml")
    assert int(service["TimeoutStopSec"]) > Settings().callisi_drain_seconds
    assert service["UMask"] == "0077"
    names = re.findall(r"(\w+)=", service["Environment"])
    assert {name.lower() for name in names} <= set(Settings.__dataclass_fields__)

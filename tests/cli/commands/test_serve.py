from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from .conftest import Office, Run

PUBLIC = "https://calls.example.org"


@pytest.mark.usefixtures("office")
def test_without_a_way_to_check_reports_it_does_not_listen(callisi: Run) -> None:
    shown = callisi("serve", "--port", "0")
    assert shown.code == 1
    assert "CALLISI_PUBLIC_URL is not set" in shown.err
    assert "TWILIO_AUTH_TOKEN is not set" in shown.err


@pytest.mark.usefixtures("office")
def test_a_port_that_is_taken_is_named(callisi: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLISI_PUBLIC_URL", PUBLIC)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "1" * 32)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        shown = callisi("serve", "--port", str(taken.getsockname()[1]))
    assert shown.code == 1
    assert "cannot listen on 127.0.0.1" in shown.err
    assert "--port" in shown.err


def test_it_refuses_what_twilio_did_not_sign_and_ends_when_asked(office: Office) -> None:
    environ = os.environ | {"CALLISI_PUBLIC_URL": PUBLIC, "TWILIO_AUTH_TOKEN": "1" * 32}
    command = [sys.executable, "-c", "from callisi_runtime.cli import main; raise SystemExit(main())"]
    with subprocess.Popen(
        [*command, "serve", "--port", "0"],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first.endswith(f"for {PUBLIC}\n"), first + process.stderr.read() if process.stderr else ""
        address = first.split()[2].rstrip(",")
        assert address.startswith("http://127.0.0.1:")
        form = b"MessageSid=SM1&MessageStatus=delivered"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{address}/twilio/status?n=SCL_1:1&s=0", data=form, timeout=20)
        assert refused.value.code == 403
        refused.value.close()
        with urllib.request.urlopen(f"{address}/twilio/counts", timeout=20) as counts:
            assert counts.read() == b'{"forged":1}'
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        assert process.returncode in (0, -signal.SIGTERM)

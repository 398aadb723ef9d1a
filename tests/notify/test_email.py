"""E-mail over TLS: one Message-ID for every attempt, plain and HTML, and nothing a caller says acts in it."""

from __future__ import annotations

import ssl
import subprocess
from typing import TYPE_CHECKING

import pytest

from callisi_runtime.notify import Reject, Retry
from callisi_runtime.notify.email import Email

from .conftest import note, step
from .smtp_server import SmtpServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from email.message import EmailMessage
    from pathlib import Path

DESK = "desk@example.com"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    target = folder / "both.pem"
    request = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(
        [*request, *names, "-keyout", target, "-out", folder / "cert"], check=True, capture_output=True
    )
    target.write_text(target.read_text() + (folder / "cert").read_text())
    return target


@pytest.fixture
async def server(certificate: Path) -> AsyncIterator[SmtpServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = SmtpServer(context)
    await server.start()
    yield server
    await server.stop()


def mailer(server: SmtpServer, certificate: Path | None) -> Email:
    trust = None if certificate is None else ssl.create_default_context(cafile=str(certificate))
    url = f"smtp://clara:ge%40heim@localhost:{server.port}"
    return Email(url, "clara@example.com", timeout=2.0, context=trust)


def part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


async def test_it_arrives_encrypted_in_both_forms(server: SmtpServer, certificate: Path) -> None:
    texts: list[object] = [
        {"text": "Bitte Rückruf <b>sofort</b>", "subject": "Verpasster Anruf für\r\nBcc: x@y.de"}
    ]
    given = note(step("email", to=DESK), texts=texts)
    sent = await mailer(server, certificate).send(given, given.route[0])
    (mail,) = server.mails
    assert server.encrypted == [True]
    assert server.logins == 1
    assert (mail["To"], mail["Subject"], mail["Bcc"]) == (DESK, "Verpasster Anruf für Bcc: x@y.de", None)
    assert (mail["Message-ID"], sent.report) == (sent.sid, "none")
    assert f"Ref {given.reference}" in part(mail, "plain")
    assert "caller: +4930777" in part(mail, "plain")
    assert "&lt;b&gt;sofort&lt;/b&gt;" in part(mail, "html")


async def test_every_attempt_carries_the_same_id(server: SmtpServer, certificate: Path) -> None:
    given = note(step("email", to=DESK))
    for _ in range(2):
        await mailer(server, certificate).send(given, given.route[0])
    assert len({mail["Message-ID"] for mail in server.mails}) == 1


@pytest.mark.parametrize(
    ("command", "answer", "raised", "words"),
    [
        ("AUTH", "535 no", Reject, "user or password"),
        ("RCPT", "550 unknown", Reject, "SMTP 550"),
        ("RCPT", "451 greylisted", Retry, "SMTP 451"),
        ("DATA", "554 spam", Reject, "SMTP 554"),
        ("MAIL", "421 busy", Retry, "SMTP 421"),
    ],
)
async def test_each_refusal_has_its_consequence(
    server: SmtpServer, certificate: Path, command: str, answer: str, raised: type[Exception], words: str
) -> None:
    server.refuse = {command: answer}
    given = note(step("email", to=DESK))
    with pytest.raises(raised, match=words):
        await mailer(server, certificate).send(given, given.route[0])


async def test_a_stranger_with_a_certificate_gets_no_mail(server: SmtpServer) -> None:
    given = note(step("email", to=DESK))
    with pytest.raises(Reject, match="trusted TLS"):
        await mailer(server, None).send(given, given.route[0])
    assert server.mails == []


async def test_not_set_up_is_the_operators_to_mend() -> None:
    given = note(step("email", to=DESK))
    with pytest.raises(Reject, match="SMTP_URL") as caught:
        await Email(None, None).send(given, given.route[0])
    assert caught.value.operator


async def test_nobody_there_means_nothing_was_sent() -> None:
    given = note(step("email", to=DESK))
    with pytest.raises(Retry) as caught:
        await Email("smtp://127.0.0.1:9", "clara@example.com").send(given, given.route[0])
    assert not caught.value.unknown

"""An e-mail over SMTP with TLS: plain text and HTML, with one Message-ID for every attempt."""

from __future__ import annotations

import asyncio
import hashlib
import html
import smtplib
import ssl
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import SplitResult, unquote, urlsplit

from callisi_runtime.ledger.values import Note, Receipt, Step
from callisi_runtime.notify.base import Reject, Retry, Sent, content_of, index_of, text_of, with_reference

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
SUBJECT = "Verpasster Anruf"


class Email:
    """One connection per message: at a few messages a day, a kept one would be stale."""

    finds = False

    def __init__(
        self,
        url: str | None,
        sender: str | None,
        *,
        timeout: float = 10.0,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._url = None if url is None else urlsplit(url)
        self._sender = sender
        self._timeout = timeout
        self._context = context
        self._threads = ThreadPoolExecutor(2, "callisi-smtp")

    async def send(self, note: Note, step: Step) -> Sent:
        """Hands the message to the server. Its taking it is the last that is known."""
        sender = step.sender or self._sender
        if self._url is None or sender is None:
            raise Reject("not set up; set SMTP_URL and SMTP_FROM", operator=True)
        message = compose(note, step, sender)
        await asyncio.get_running_loop().run_in_executor(self._threads, self._deliver, self._url, message)
        return Sent(str(message["Message-ID"]), "none")

    async def find(self, note: Note, step: Step, *, ignore: Collection[str] = ()) -> Sent | None:
        """Never knows: mailboxes recognise the repeated Message-ID."""
        return None

    async def status(self, sid: str, step: Step) -> Receipt:
        """SMTP reports nothing after the server took the message."""
        return Receipt("sent", sid)

    def _deliver(self, url: SplitResult, message: EmailMessage) -> None:
        try:
            with self._connect(url) as server:
                if url.username:
                    server.login(unquote(url.username), unquote(url.password or ""))
                server.send_message(message)
        except smtplib.SMTPException as error:
            raise _refusal(error) from error
        except ssl.SSLError as error:
            raise Reject(
                "no trusted TLS connection to the mail server; check SMTP_URL", operator=True
            ) from error
        except TimeoutError as error:
            raise Retry("the mail server's answer was lost") from error
        except OSError as error:
            raise Retry("the mail server cannot be reached", unknown=False) from error

    def _connect(self, url: SplitResult) -> smtplib.SMTP:
        host, context = url.hostname or "localhost", self._context or ssl.create_default_context()
        if url.scheme == "smtps":
            return smtplib.SMTP_SSL(host, url.port or 465, timeout=self._timeout, context=context)
        server = smtplib.SMTP(host, url.port or 587, timeout=self._timeout)
        try:
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
            elif host not in LOOPBACK:
                raise Reject("the mail server offers no TLS; use another one", operator=True)
        except BaseException:
            server.close()
            raise
        return server


def compose(note: Note, step: Step, sender: str) -> EmailMessage:
    """The message: subject, plain text, and the same with the call's facts as HTML."""
    content = content_of(note, step)
    text = with_reference(text_of(note, step), note.reference)
    message = EmailMessage()
    message["From"] = sender
    message["To"] = step.to
    message["Subject"] = " ".join(str(content.get("subject") or SUBJECT).split())
    message["Date"] = format_datetime(datetime.fromtimestamp(note.created, UTC))
    message["Message-ID"] = message_id(note, step, sender)
    message["Auto-Submitted"] = "auto-generated"
    facts = note.body.get("facts")
    rows = facts if isinstance(facts, Mapping) else {}
    message.set_content(
        "\n".join([text, "", *(f"{key}: {value}" for key, value in rows.items())]).rstrip() + "\n"
    )
    message.add_alternative(str(content.get("html") or as_html(text, rows)), subtype="html")
    return message


def message_id(note: Note, step: Step, sender: str) -> str:
    """The same for every attempt at this step."""
    digest = hashlib.sha256(f"{note.id}.{index_of(note, step)}".encode()).hexdigest()[:32]
    return f"<{digest}@{sender.rpartition('@')[2] or 'callisi'}>"


def as_html(text: str, facts: Mapping[str, object]) -> str:
    """The text as a paragraph, the facts as a table; everything escaped."""
    rows = "".join(
        f"<tr><th align='left'>{html.escape(str(key))}</th><td>{html.escape(str(value))}</td></tr>"
        for key, value in facts.items()
        if value is not None
    )
    paragraph = html.escape(text).replace("\n", "<br>")
    return f"<!doctype html><html lang='de'><body><p>{paragraph}</p><table>{rows}</table></body></html>"


def _refusal(error: smtplib.SMTPException) -> Retry | Reject:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return Reject("the mail server refuses user or password; check SMTP_URL", operator=True)
    code = _code(error)
    if code is None:
        return Retry("the mail server's answer was lost")
    if code < 500:
        return Retry(f"SMTP {code}: later", unknown=False)
    return Reject(f"SMTP {code}: refused")


def _code(error: smtplib.SMTPException) -> int | None:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return min((code for code, _ in error.recipients.values()), default=None)
    return getattr(error, "smtp_code", None)

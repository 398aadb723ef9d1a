"""Compares what is sent to the loopback Twilio, and what it answers, with Twilio's own OpenAPI files.

Needs openapi-core and the files (`twilio_api_v2010.json.gz` and its siblings): CALLISI_TWILIO_OAI names their
folder, otherwise `../shared/twilio-oai` next to the checkout is looked for.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import threading
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from werkzeug.datastructures import Headers, ImmutableMultiDict

from callisi_runtime.loopback.twilio_messages import ALPHANUMERIC, E164

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiohttp import web

FILES: Final = {
    ("api.twilio.com", "/2010-04-01"): "twilio_api_v2010",
    ("trunking.twilio.com", "/v1"): "twilio_trunking_v1",
    ("lookups.twilio.com", "/v2"): "twilio_lookups_v2",
    ("content.twilio.com", "/v1"): "twilio_content_v1",
    ("numbers.twilio.com", "/v2"): "twilio_numbers_v2",
    ("messaging.twilio.com", "/v1"): "twilio_messaging_v1",
    ("messaging.twilio.com", "/v2"): "twilio_messaging_v2",
    ("monitor.twilio.com", "/v1"): "twilio_monitor_v1",
    ("voice.twilio.com", "/v1"): "twilio_voice_v1",
    ("accounts.twilio.com", "/v1"): "twilio_accounts_v1",
    ("trusthub.twilio.com", "/v1"): "twilio_trusthub_v1",
    ("routes.twilio.com", "/v2"): "twilio_routes_v2",
    ("pricing.twilio.com", "/v1"): "twilio_pricing_v1",
    ("pricing.twilio.com", "/v2"): "twilio_pricing_v2",
}

# Names of formats that only Twilio knows; unknown to the validator, they would fail everything.
_TWILIO_FORMATS: Final = (
    "currency",
    "date-time-rfc-2822",
    "endpoint",
    "http-method",
    "ice-server",
    "inbound-call-price",
    "inbound-sms-price",
    "iso-country-code",
    "outbound-call-price",
    "outbound-call-price-with-origin",
    "outbound-prefix-price",
    "outbound-prefix-price-with-origin",
    "outbound-sms-price",
    "phone-number",
    "phone-number-capabilities",
    "phone-number-price",
    "twiml",
    "uri",
    "uri-map",
)


def find_spec_folder() -> Path | None:
    """The folder with Twilio's files; None when there is none."""
    named = os.environ.get("CALLISI_TWILIO_OAI")
    checkout = Path(__file__).resolve().parents[2]
    for folder in [Path(named)] if named else [checkout.parent / "shared" / "twilio-oai"]:
        if (folder / "twilio_api_v2010.json.gz").is_file():
            return folder
    return None


class SpecChecker:
    """Strict towards requests; towards answers only as strict as Twilio's own examples keep."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # openapi-core reads its description lazily and not thread-safely.
        self._lock = threading.Lock()
        self._description = lru_cache(self._read)

    def violation(self, request: web.Request, body: bytes) -> str | None:
        """See `twilio.Checker`."""
        name = _file_of(request)
        if name is None:
            return f"no description covers {request.host}{request.path}"
        with self._lock:
            description = self._description(name)
            wrong = description.strictly(_Request.of(request, body))
        return wrong or _unknown_fields(description.document, request, body)

    def answer_violation(self, request: web.Request, body: bytes, answer: web.Response) -> str | None:
        """See `twilio.Checker`; error answers are in no description and pass."""
        name = _file_of(request)
        if name is None or answer.status >= 400 or not isinstance(answer.body, bytes):
            return None
        with self._lock:
            return self._description(name).leniently(
                _Request.of(request, body), _Answer(answer.body, answer.status)
            )

    def _read(self, name: str) -> _Description:
        text = gzip.decompress((self._folder / f"{name}.json.gz").read_bytes())
        return _Description(json.loads(text, object_hook=_as_sent))


def _as_sent(schema: dict[str, Any]) -> dict[str, Any]:
    """Prices are numbers in Twilio's files, and a remark beside them says that they are sent as texts: it counts."""
    remark = schema.get("x-twilio")
    if schema.get("type") == "number" and isinstance(remark, dict) and remark.get("overrideType") == "string":
        return schema | {"type": "string"}
    return schema


class _Description:
    """One of Twilio's files, ready to compare with."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        formats: dict[str, Callable[[Any], Any]] = dict.fromkeys(_TWILIO_FORMATS, _as_it_is)
        # Twilio's files are taken as they are: to validate them costs seconds.
        self._strict = OpenAPI.from_dict(
            document,
            config=Config(
                spec_validator_cls=None,
                additional_properties_default_policy="forbid",
                extra_format_validators={"phone-number": is_address},
                extra_format_unmarshallers=formats,
            ),
        )
        self._lenient = OpenAPI.from_dict(
            document, config=Config(spec_validator_cls=None, extra_format_unmarshallers=formats)
        )

    def strictly(self, request: _Request) -> str | None:
        return _words_of(lambda: self._strict.unmarshal_request(request).raise_for_errors())

    def leniently(self, request: _Request, answer: _Answer) -> str | None:
        return _words_of(lambda: self._lenient.validate_response(request, answer))


def _as_it_is(value: object) -> object:
    return value


def is_address(value: object) -> bool:
    """Whether Twilio takes it as sender or recipient: E.164, channel address, short code, alphanumeric."""
    if not isinstance(value, str):
        return False
    channel = re.fullmatch(r"(whatsapp|messenger):.+|\d{3,8}", value)
    return bool(E164.fullmatch(value) or ALPHANUMERIC.fullmatch(value) or channel)


def _words_of(check: Callable[[], object]) -> str | None:
    try:
        check()
    except OpenAPIError as error:
        details = getattr(error.__cause__, "schema_errors", None) or []
        fields = ["/".join(map(str, d.absolute_path)) + f" {d.validator}" for d in details]
        # Field and rule only: what was sent may be a caller's number.
        return f"{type(error).__name__}: " + ("; ".join(fields) or type(error.__cause__).__name__)
    return None


def _file_of(request: web.Request) -> str | None:
    for (host, prefix), name in FILES.items():
        if request.host == host and request.path.startswith(prefix + "/"):
            return name
    return None


def _unknown_fields(document: dict[str, Any], request: web.Request, body: bytes) -> str | None:
    """Fields that openapi-core would drop in silence before it validates."""
    operation = _operation(document, request)
    content = _resolved(document, operation.get("requestBody", {})).get("content", {})
    form = _resolved(document, content.get("application/x-www-form-urlencoded", {}).get("schema", {}))
    parameters = [_resolved(document, parameter) for parameter in operation.get("parameters", [])]
    queries = {parameter["name"] for parameter in parameters if parameter.get("in") == "query"}
    sent_form = body.decode() if "form-urlencoded" in request.content_type else ""
    unknown = _names(sent_form) - set(form.get("properties", {})) | _names(request.query_string) - queries
    return f"unknown fields: {', '.join(sorted(unknown))}" if unknown else None


def _names(encoded: str) -> set[str]:
    return {name for name, _ in parse_qsl(encoded, keep_blank_values=True)}


def _operation(document: dict[str, Any], request: web.Request) -> dict[str, Any]:
    for template, item in document["paths"].items():
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+?", re.escape(template))
        if re.fullmatch(pattern, request.path) and request.method.lower() in item:
            found: dict[str, Any] = item[request.method.lower()]
            return found
    return {}


def _resolved(document: dict[str, Any], node: Any) -> dict[str, Any]:
    while isinstance(node, dict) and "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node if isinstance(node, dict) else {}


@dataclass(slots=True)
class _Request:
    """A request as openapi-core wants to see it."""

    host_url: str
    path: str
    method: str
    body: bytes | None
    content_type: str
    parameters: RequestParameters

    @classmethod
    def of(cls, request: web.Request, body: bytes) -> _Request:
        query = parse_qsl(request.query_string, keep_blank_values=True)
        return cls(
            f"https://{request.host}",
            request.path,
            request.method.lower(),
            body or None,
            request.content_type if body else "",
            RequestParameters(
                query=ImmutableMultiDict(query),
                header=Headers(_plain(request.headers)),
                cookie=ImmutableMultiDict(),
            ),
        )


@dataclass(slots=True)
class _Answer:
    """An answer as openapi-core wants to see it."""

    data: bytes
    status_code: int
    content_type: str = "application/json"
    headers: Headers = field(default_factory=Headers)


def _plain(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers.items()]

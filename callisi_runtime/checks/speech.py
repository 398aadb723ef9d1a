"""What is said: the AI is named, nothing is claimed before it is true, and it sounds right on a telephone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from callisi_runtime.checks.templates import written_texts
from callisi_runtime.checks.view import Loc, View
from callisi_runtime.errors import Problem
from callisi_runtime.plan.sentences import SENTENCES, path_of
from callisi_runtime.templates import TemplateProblem

NAMES_AI = re.compile(
    r"\b(KI|AI)\b|\bkünstliche[nrs]? Intelligenz"
    r"|\b(Computerstimme|Sprachcomputer|Telefonroboter|Roboter|Chatbot|Voicebot)",
    re.IGNORECASE,
)
DENIES_AI = re.compile(
    r"\b(kein|keine|keinen|nicht)\b[^.!?]{0,30}\b(KI|AI|künstliche\w* Intelligenz|Roboter|Computer)",
    re.IGNORECASE,
)
CLAIMS_HUMAN = re.compile(
    r"\bich bin (ein(e)? )?(echte[rn]? |wirkliche[rn]? )?(Mensch|Person|keine (KI|Maschine))\b", re.IGNORECASE
)

CLAIMS = re.compile(
    r"\b(habe|haben|hat|wurden?|ist|sind)\b[^.!?]*\b"
    r"(informiert|benachrichtigt|verständigt|Bescheid (gegeben|gesagt)|weitergeleitet|weitergegeben"
    r"|(SMS|Nachricht|WhatsApp|E-?Mail)[^.!?]*\b(geschickt|gesendet|geschrieben|hinterlassen))\b",
    re.IGNORECASE,
)
PROMISES = re.compile(
    r"\b(werden|wird|werde)\b[^.!?]*\bzurück(gerufen|rufen)\b"
    r"|\b(wir|man|jemand|team|kolleg\w+|mitarbeiter\w*|chef\w*)\b[^.!?]*"
    r"\b(ruf\w*|meld\w*)\b[^.!?]*\b(zurück|bei Ihnen)\b"
    r"|\b(ruft|rufen wir|melden wir uns|meldet sich)\b[^.!?]*\b(zurück|bei Ihnen)\b",
    re.IGNORECASE,
)
NEGATES = re.compile(r"\b(nicht|kein\w*|niemand\w*|nie|weder|ohne)\b", re.IGNORECASE)
FORBIDS = re.compile(r"\b(nicht|nie|niemals|kein\w*)\b", re.IGNORECASE)
PERSONA_PROMISES = re.compile(
    r"\b(schick|send|schreib|nimm|richte|hinterlass|versprich|verspreche|biete|notier)\w*\b[^.\n]*"
    r"\b(SMS|WhatsApp|E-?Mails?|Nachricht|Rückruf)\w*|\bzurück(rufen|gerufen|ruft)\b",
    re.IGNORECASE,
)
RAW_NUMBER = re.compile(r"\{\{[^}|]*\.phone\s*\}\}")

BOUND_TO_EVIDENCE = (("fallback", "say", "notified"), ("fallback", "say", "notified_hidden"))
"""The sentences that are said only after a channel has accepted the message."""

CHARACTERS_PER_SECOND = 15
"""A calm voice on the telephone."""
SPOKEN_NUMBER = re.compile(
    r"(?:\d\D{0,3}){3}|(?:\b(?:null|eins?|zwei|zwo|drei|vier|fünf|sechs|sieben|acht|neun)\b\W*){3}",
    re.IGNORECASE,
)
"""A telephone number, in figures or as it is said: three in a row."""
LONG_SECONDS = 20
CHANNEL_WORDS = {"sms": r"\bSMS\b", "whatsapp": r"\bWhatsApp\b", "email": r"\bE-?Mail\b"}


def seconds_to_say(text: str) -> float:
    """About how long a voice takes to say it."""
    return len(text) / CHARACTERS_PER_SECOND


def check_disclosure(view: View) -> Iterator[Problem]:
    """The greeting says that a machine is speaking, to every caller."""
    if view.spec.disclosure is not None:
        return
    for text in _rendered(view, view.spec.greeting):
        if not NAMES_AI.search(text) or DENIES_AI.search(text):
            yield view.error(
                ("greeting",),
                "the greeting does not say that an AI is speaking, which the EU AI Act (article 50) demands",
                "no-disclosure",
                hint="write for example `hier ist {{ agent.name }}, die KI-Assistentin von {{ business.name }}`, "
                "or give `disclosure.opt_out_reason`",
            )
            return


def check_claims(view: View) -> Iterator[Problem]:
    """Only sentences that are bound to evidence may say that somebody was told, or will call back."""
    for loc, text in _sentences(view):
        if loc in BOUND_TO_EVIDENCE:
            continue
        claim = _found(CLAIMS, text, but=NEGATES) or _found(PROMISES, text)
        if claim is None:
            continue
        if view.spec.fallback is None:
            yield view.error(
                loc,
                "this promises a message, but no channel is declared that could carry one",
                "promise-without-channel",
                got=f"'{claim}'",
                hint="declare `fallback.channels`, or take the promise out",
            )
        else:
            yield view.error(
                loc,
                "this claims what is not known yet when it is said",
                "claim-without-evidence",
                got=f"'{claim}'",
                hint="say it in `fallback.say.notified`, which waits for the evidence",
            )


def check_persona_promises(view: View) -> Iterator[Problem]:
    """A persona that offers messages or callbacks needs a channel that carries them."""
    if view.spec.fallback is not None:
        return
    promise = _found(PERSONA_PROMISES, view.spec.persona, but=FORBIDS)
    if promise is not None:
        yield view.error(
            ("persona",),
            "the persona promises a message, but no channel is declared that could carry one",
            "promise-without-channel",
            got=f"'{promise}'",
            hint="declare `fallback.channels`, or take the promise out",
        )


def check_channel_named(view: View) -> Iterator[Problem]:
    """A sentence that names the channel must be true whichever channel accepted."""
    fallback = view.spec.fallback
    if fallback is None:
        return
    kinds = {channel.kind for channel in fallback.channels}
    for key in ("notified", "notified_hidden"):
        text = getattr(fallback.say, key)
        for kind, word in CHANNEL_WORDS.items():
            if re.search(word, text, re.IGNORECASE) and kinds != {kind}:
                yield view.error(
                    ("fallback", "say", key),
                    f"the sentence names {kind}, but the message may go out by {' or '.join(sorted(kinds - {kind}))}",
                    "untrue-sentence",
                    hint="write `{{ channel.spoken }}`, which becomes the channel that accepted",
                )


def check_failure_names_a_number(view: View) -> Iterator[Problem]:
    """Whoever hears that nobody could be told must hear where to call instead."""
    loc = ("fallback", "say", "failed")
    if view.spec.fallback is None or not view.wrote(*loc):
        return
    texts = _rendered(view, view.spec.fallback.say.failed)
    if not all(map(SPOKEN_NUMBER.search, texts)):
        yield view.warning(
            loc,
            "the caller hears that nobody could be told, and not where to call instead",
            "nowhere-to-call",
            hint="write `{{ business.phone | spoken }}` into it",
        )


def check_humanity(view: View) -> Iterator[Problem]:
    """No sentence says that a person is speaking."""
    for loc, text in _sentences(view):
        if CLAIMS_HUMAN.search(text):
            yield view.error(loc, "this says that a person is speaking, which is not true", "untrue-sentence")


def check_sound(view: View) -> Iterator[Problem]:
    """Sentences that read well and sound badly."""
    for loc, text in _sentences(view):
        if match := RAW_NUMBER.search(text):
            inner = match[0].strip("{} ")
            yield view.warning(
                loc,
                "the number would be read out as one long figure",
                "unspoken-number",
                got=match[0],
                hint=f"write `{{{{ {inner} | spoken }}}}`",
            )
        takes = seconds_to_say(text)
        if takes > LONG_SECONDS:
            yield view.warning(
                loc,
                f"saying this takes about {takes:.0f} s, and callers stop listening",
                "long-sentence",
                hint=f"stay below {LONG_SECONDS} s",
            )


def _sentences(view: View) -> Iterator[tuple[Loc, str]]:
    """What callers hear, as far as it is written in the file."""
    spoken = {path_of(key) for key in SENTENCES} | {("fallback", "say", "notified_hidden")}
    for loc, text in written_texts(view.data):
        if loc in spoken and loc != ("transfer", "say", "prompt"):
            yield loc, text


def _found(pattern: re.Pattern[str], text: str, *, but: re.Pattern[str] | None = None) -> str | None:
    """The first statement (no question) that matches."""
    for statement in re.split(r"(?<=[.!?;])\s+|\n\n", text):
        match = pattern.search(statement)
        if match and not statement.rstrip().endswith("?") and not (but and but.search(statement)):
            return match[0]
    return None


def _rendered(view: View, text: str) -> tuple[str, ...]:
    try:
        return view.samples.rendered(text)
    except TemplateProblem:
        return ()  # reported by the check of templates

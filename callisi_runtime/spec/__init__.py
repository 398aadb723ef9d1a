"""The whole vocabulary of an agent file: one class per YAML key, one module per block. Opens no file."""

from callisi_runtime.spec.agent import AgentSay, AgentSpec, Business, Disclosure, Fact, Limits, Privacy
from callisi_runtime.spec.cost import CostLimit
from callisi_runtime.spec.fallback import (
    SANDBOX_NUMBER,
    Channel,
    Email,
    Fallback,
    FallbackSay,
    Sms,
    Webhook,
    WhatsApp,
)
from callisi_runtime.spec.hours import Hours
from callisi_runtime.spec.tools import Tool, ToolName
from callisi_runtime.spec.transfer import Target, Transfer, TransferSay
from callisi_runtime.spec.voice import Interruption, Provider, Turn, Voice

__all__ = [
    "SANDBOX_NUMBER",
    "AgentSay",
    "AgentSpec",
    "Business",
    "Channel",
    "CostLimit",
    "Disclosure",
    "Email",
    "Fact",
    "Fallback",
    "FallbackSay",
    "Hours",
    "Interruption",
    "Limits",
    "Privacy",
    "Provider",
    "Sms",
    "Target",
    "Tool",
    "ToolName",
    "Transfer",
    "TransferSay",
    "Turn",
    "Voice",
    "Webhook",
    "WhatsApp",
]

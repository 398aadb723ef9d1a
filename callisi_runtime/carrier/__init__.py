"""The carrier's own records of calls, messages and alerts, and which of them are ours."""

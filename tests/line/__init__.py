"""Real SIP calls through a real LiveKit server and SIP bridge: `make line`, or `python -m tests.line`."""

"""One call, looked at afterwards: what happened, from all who know of it, and what probably went wrong."""

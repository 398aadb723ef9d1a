"""What listens on HTTP: the providers' reports."""

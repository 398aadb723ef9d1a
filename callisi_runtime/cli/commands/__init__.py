"""One module for each command: `SUMMARY`, `add_arguments(parser)`, `run(args) -> ExitCode`."""

"""One module for each command: `add_arguments(parser)`, `run(args) -> ExitCode`."""

"""The entry point: almost nothing is imported before it, so that Ctrl-C ends quietly from the first moment on."""

from __future__ import annotations


def main(arguments: list[str] | None = None) -> int:
    """Run the command that the arguments (without the program's name) ask for, and return the exit code."""
    try:
        from trio_gateway.cli.interrupts import EndingAtOnce  # noqa: PLC0415

        with EndingAtOnce():
            from trio_gateway.cli.app import run  # noqa: PLC0415 (takes most of the time of a short command)
        return run(arguments)
    except KeyboardInterrupt:
        return 130  # what interrupts.INTERRUPTED says, which may not have been imported yet

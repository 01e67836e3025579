"""Push due notifications to their users' devices; killed at any point and run again, each arrives once.

The id is what makes it so: a notification is published with its own id, and marked as done only after the
answer. One that was published and not marked is published again, and the store knows its id for 5 minutes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import trio
from notifications import Done, Notification, batches, read_list
from progress import Progress, say
from publish import Batch

from trio_gateway import AsyncPublisher, errors

STORE = f"unix://{Path.home()}/.local/share/trio-gateway/valkey.sock"
"""Where `trio-gateway serve` has its store on Linux; it prints where yours is."""

FAILED, MISUSED, REFUSED, INTERRUPTED = 1, 2, 3, 130

EPILOG = """\
LIST has one notification a line: {"id": "order-41-ready", "user": "7", "title": "…", "body": "…"}.
LIST.done gets the ids of those that were published; whose id is in it is skipped.

Exit codes: 0 all are done, 1 the store did not answer or the disk is full (run it again), 2 wrong arguments or
a wrong list, 3 some were refused and all others are done, 130 Ctrl-C (run it again)."""


async def push(url: str, notifications: list[Notification], done: Done, patience: float) -> int:
    """Publish all that are not done yet; gives the exit code."""
    due = [each for each in notifications if each.id not in done.ids]
    progress = Progress(len(due))
    async with AsyncPublisher(url) as publisher:
        for batch in batches(due):
            await Batch(publisher, done, progress).publish(batch, patience)
    progress.tell()
    return REFUSED if progress.refused else 0


def seconds(text: str) -> float:
    """Read how long to be patient: well below the 5 minutes for which the store knows an id."""
    if not 0 <= (value := float(text)) <= 240:
        raise ValueError
    return value


def read_arguments() -> argparse.Namespace:
    """Read the command line, or end with how it is written."""
    parser = argparse.ArgumentParser(
        prog="push.py",
        description="Push due notifications to their users' devices, each once, however often it is run.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("list", metavar="LIST", type=Path, help="the notifications, as JSON Lines")
    parser.add_argument("--redis-url", metavar="URL", default=STORE, help="the gateway's store [%(default)s]")
    help = "how long to try again while the store does not answer, up to 240 [%(default)g]"
    parser.add_argument("--patience", metavar="SECONDS", type=seconds, default=120.0, help=help)
    return parser.parse_args()


def read_files(path: Path) -> tuple[list[Notification], Done]:
    """Read what is due and what is done, or end with what is wrong."""
    try:
        return read_list(path), Done(Path(f"{path}.done"))
    except (OSError, ValueError) as error:
        say(f"error: {error}")
        sys.exit(MISUSED)


def main() -> int:
    """Run the job; gives the exit code."""
    arguments = read_arguments()
    code = INTERRUPTED
    try:
        notifications, done = read_files(arguments.list)
        code = trio.run(push, arguments.redis_url, notifications, done, arguments.patience)
    except* KeyboardInterrupt:
        say("interrupted; run it again for the rest")
    except* (errors.BrokerUnavailable, OSError) as group:  # no answer, or no room for the marks
        code = FAILED
        say(f"error: {group.exceptions[0]}")
    except* errors.ConfigurationError as group:
        code = MISUSED
        say(f"error: {group.exceptions[0]}")
    return code


if __name__ == "__main__":
    sys.exit(main())

"""Log lines look one way, whoever writes them: ours and those of libraries go through the same door."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from typing import TextIO

import structlog
from structlog.typing import Processor

ACCEPTING = "trio.serve_listeners"
"""Where Trio complains, with a traceback and ten times a second, that the admin port finds no free descriptor."""

SELDOM_SECONDS = 60.0

REQUESTING = ("httpx", "httpcore")
"""These tell of every request that a hook makes, at the level info with its whole URL, at debug with its headers as well,
which may be secrets."""


class Seldom(logging.Filter):
    """Let a logger's lines pass once a minute at most, and without their tracebacks."""

    def __init__(self, name: str, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._name = name
        self._now = now
        self._next = now()

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a line passes; those of other loggers always do."""
        if record.name != self._name:
            return True
        record.exc_info = None
        if self._now() < self._next:
            return False
        self._next = self._now() + SELDOM_SECONDS
        return True


def configure_logs(log_format: str, log_level: str, stream: TextIO | None = None) -> None:
    """Send every log line to the stream (stderr if none is given).

    `console` is for people, with colours on a terminal only; `json` is one object a line.
    """
    stream = stream or sys.stderr
    shared = _shared(log_format)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(log_format, stream)],
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
        )
    )
    handler.addFilter(Seldom(ACCEPTING))
    logging.basicConfig(level=log_level.upper(), handlers=[handler], force=True)
    for name in REQUESTING:
        logging.getLogger(name).setLevel(logging.WARNING)


def _shared(log_format: str) -> tuple[Processor, ...]:
    """Make what every line gets, ours or a library's."""
    json = log_format == "json"
    return (
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso" if json else "%H:%M:%S", utc=json),
    )


def _renderers(log_format: str, stream: TextIO) -> list[Processor]:
    if log_format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    colors = stream.isatty() and not os.environ.get("NO_COLOR")
    formatter = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=formatter, pad_event_to=0)]

"""Log lines are events with named values, and they go to the standard library's logging.

So the program around decides about them: one that configures nothing sees warnings and errors alone,
and `trio-gateway serve` renders them for people or for machines.
"""

from __future__ import annotations

import logging

import structlog


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Make the logger of a module, to be called as `log.info("what happened", who=…)`."""
    logger: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[structlog.stdlib.filter_by_level, structlog.stdlib.render_to_log_kwargs],
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return logger

"""What the gateway logs, as a list of dicts."""

import logging
from contextlib import contextmanager

STANDARD = set(vars(logging.makeLogRecord({})))


@contextmanager
def capture_logs():
    """Collect the package's log lines of the block, each with its event, its level and its values."""
    lines = []

    class Collector(logging.Handler):
        def emit(self, record):
            values = {name: value for name, value in vars(record).items() if name not in STANDARD}
            if record.exc_info:
                values["exc_info"] = record.exc_info
            lines.append({"event": record.getMessage(), "log_level": record.levelname.lower(), **values})

    logger, collector = logging.getLogger("trio_gateway"), Collector()
    level = logger.level
    logger.addHandler(collector)
    logger.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        logger.setLevel(level)
        logger.removeHandler(collector)

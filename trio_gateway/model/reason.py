"""Why something failed is told in the system's own words, one line of them, without what libraries wrapped them in."""

from __future__ import annotations

import os
import re

SOURCE_LINE = re.compile(r" \(_ssl\.c:\d+\)$")
"""What Python's ssl says of itself after OpenSSL's words."""


def reason_of(error: BaseException) -> str:
    """Put into words why something failed: those of the error that caused it all, of a group the first one's."""
    while (cause := _cause_of(error)) is not None:
        error = cause
    words = _system_words(error) if isinstance(error, OSError) else str(error)
    return " ".join(words.split()) or type(error).__name__


def _cause_of(error: BaseException) -> BaseException | None:
    return error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__


def _system_words(error: OSError) -> str:
    """Leave the address out, which Trio puts before the words and Python behind: who reports the failure knows it."""
    said = SOURCE_LINE.sub("", error.strerror or str(error))
    words = os.strerror(error.errno or 0)
    return words if words in said else said

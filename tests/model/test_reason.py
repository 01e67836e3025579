"""A failure is told in the system's own words, whatever they were wrapped in."""

import os
import ssl

import pytest

from trio_gateway.model.reason import reason_of

REFUSED = ConnectionRefusedError(111, "Error connecting to ('127.0.0.1', 1): Connection refused")
WRONG_VERSION = "[SSL: WRONG_VERSION_NUMBER] wrong version number"


def caused(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (caused(OSError("all attempts failed"), ExceptionGroup("all", [REFUSED, REFUSED])), "Connection refused"),
        (
            caused(RuntimeError("broken"), ConnectionResetError(104, "Connection reset by peer")),
            "Connection reset by peer",
        ),
        (OSError(99, f"{os.strerror(99)} (while attempting to bind on address ('1.2.3.4', 80))"), os.strerror(99)),
        (OSError("no number"), "no number"),
        (ValueError("some\nwords"), "some words"),
        (TimeoutError(), "TimeoutError"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:992)"), WRONG_VERSION),
    ],
)
def test_the_words_are_those_of_the_error_at_the_bottom(error, words):
    assert reason_of(error) == words

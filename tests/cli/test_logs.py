"""Log lines look one way, whoever writes them."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest

from trio_gateway.cli.logs import ACCEPTING, Seldom, configure_logs
from trio_gateway.model.logger import get_logger


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_is_one_object_a_line_from_us_and_from_libraries() -> None:
    stream = io.StringIO()
    configure_logs("json", "info", stream)
    get_logger("a").info("ours", client="c1")
    logging.getLogger("hypercorn").warning("theirs %d", 5)
    ours, theirs = lines(stream)
    assert (ours["event"], ours["client"], ours["level"]) == ("ours", "c1", "info")
    assert (theirs["event"], theirs["level"]) == ("theirs 5", "warning")
    assert "timestamp" in ours
    assert "timestamp" in theirs


def test_an_exception_stays_in_its_line() -> None:
    stream = io.StringIO()
    configure_logs("json", "info", stream)
    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError:
        get_logger("a").exception("failed")
    (line,) = lines(stream)
    assert "ZeroDivisionError" in line["exception"]


def test_what_is_below_the_level_is_left_out() -> None:
    stream = io.StringIO()
    configure_logs("json", "warning", stream)
    get_logger("a").info("ours")
    logging.getLogger("theirs").info("theirs")
    assert stream.getvalue() == ""


def test_what_hooks_ask_over_http_is_no_line_each_whatever_the_level() -> None:
    stream = io.StringIO()
    configure_logs("json", "debug", stream)
    logging.getLogger("httpx").info("HTTP Request: POST http://127.0.0.1/rpc?key=secret")
    logging.getLogger("httpcore.http11").debug("send_request_headers.started authorization: secret")
    assert stream.getvalue() == ""


def test_the_console_has_the_words_and_no_colours_off_a_terminal() -> None:
    stream = io.StringIO()
    configure_logs("console", "info", stream)
    get_logger("a").info("client connected", user="7")
    assert "client connected" in stream.getvalue()
    assert "user=7" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    configure_logs("console", "info", stream)
    get_logger("a").info("hello")
    assert "\x1b" in stream.getvalue()


def test_a_terminal_that_wants_none_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    configure_logs("console", "info", stream)
    get_logger("a").info("hello")
    assert "\x1b" not in stream.getvalue()


def test_what_trio_repeats_ten_times_a_second_is_told_once_a_minute_without_its_traceback() -> None:
    times = [0.0]
    seldom = Seldom(ACCEPTING, now=lambda: times[0])
    complaint = {"name": ACCEPTING, "msg": "accept returned EMFILE", "exc_info": (OSError, OSError(), None)}

    passed = []
    for times[0] in (0.0, 0.1, 59.0, 61.0, 61.1):
        record = logging.makeLogRecord(complaint)
        passed.append(bool(seldom.filter(record)))
        assert record.exc_info is None
    assert passed == [True, False, False, True, False]


def test_what_others_log_always_passes() -> None:
    seldom = Seldom(ACCEPTING)
    records = [logging.makeLogRecord({"name": "ours", "exc_info": (OSError, OSError(), None)}) for _ in range(2)]
    assert all(seldom.filter(record) and record.exc_info for record in records)

"""What HTTP answers to the upgrade mean."""

from __future__ import annotations

import pytest

from trio_gateway.client.errors import LinkLost, UpgradeRefused
from trio_gateway.client.refusal import judge_refusal
from trio_gateway.model.errors import PermissionDenied, RequestError, Unauthorized


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_asks_for_another_attempt(status):
    assert isinstance(judge_refusal(status, [], b'{"code":101,"message":"x"}'), LinkLost)


@pytest.mark.parametrize(
    ("value", "delay"), [(b"3", 3), (b"86400", 60), (b"Wed, 21 Oct 2026 07:28:00 GMT", 0), (b"-1", 0)]
)
def test_retry_after_is_honoured_within_a_minute(value, delay):
    assert judge_refusal(503, [(b"Retry-After", value)], None).delay == delay


def test_the_body_says_more_than_the_status():
    error = judge_refusal(401, [], b'{"code":103,"message":"not from here"}')

    assert isinstance(error, PermissionDenied)
    assert str(error) == "not from here"


def test_a_code_of_an_application_is_kept():
    error = judge_refusal(403, [], b'{"code":4100,"message":"payment needed"}')

    assert isinstance(error, RequestError)
    assert error.code == 4100


def test_what_is_away_says_why():
    error = judge_refusal(503, [], b'{"code":106,"message":"limit exceeded"}')

    assert str(error) == "refused with HTTP status 503: limit exceeded"


def test_a_proxy_that_wants_to_know_who_asks_is_told_apart():
    assert isinstance(judge_refusal(401, [], b"<html>"), Unauthorized)


@pytest.mark.parametrize("status", [301, 400, 403, 404, 405, 426])
def test_what_no_gateway_says_is_for_good(status):
    error = judge_refusal(status, [], b"<html>")

    assert isinstance(error, UpgradeRefused)
    assert error.status == status

"""The code tables say which codes a client may come back after."""

import pytest

from trio_gateway.model.codes import DISCONNECT_CODES, ERROR_CODES, is_terminal


@pytest.mark.parametrize(
    ("code", "terminal"),
    [
        (1000, False),
        (3000, False),
        (3499, False),
        (3500, True),
        (3999, True),
        (4000, False),
        (4499, False),
        (4500, True),
        (4999, True),
        (5000, False),
    ],
)
def test_only_3500_to_3999_and_4500_to_4999_are_terminal(code, terminal):
    assert is_terminal(code) is terminal


def test_no_code_stands_for_two_things():
    for table in (ERROR_CODES, DISCONNECT_CODES):
        codes = [entry.code for entry in table]
        assert len(codes) == len(set(codes))


def test_every_reason_fits_in_a_close_frame():
    assert all(len(entry.reason.encode()) <= 123 for entry in DISCONNECT_CODES)

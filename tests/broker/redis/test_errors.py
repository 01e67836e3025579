"""Error replies: redis-py's classes for the server's, the model's for our functions'."""

from __future__ import annotations

import hiredis
import pytest
from redis import exceptions

from trio_gateway.broker.redis.errors import convert, error_of
from trio_gateway.broker.redis.refusals import is_library_missing, model_error
from trio_gateway.model.errors import BrokerUnavailable, InvalidChannel, InvalidData, UnknownChannel


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("READONLY You can't write", exceptions.ReadOnlyError),
        ("LOADING Redis is loading", exceptions.BusyLoadingError),
        ("CLUSTERDOWN The cluster is down", exceptions.ClusterDownError),
        ("OOM command not allowed", exceptions.OutOfMemoryError),
        ("WRONGPASS invalid", exceptions.AuthenticationError),
        ("NOAUTH Authentication required.", exceptions.AuthenticationError),
        ("TRYAGAIN Multiple keys", exceptions.TryAgainError),
        ("ERR unknown command", exceptions.ResponseError),
        ("MISCONF Errors writing", exceptions.ResponseError),
        ("", exceptions.ResponseError),
    ],
)
def test_the_first_word_tells_the_class_and_the_text_stays_whole(text, kind):
    error = error_of(hiredis.ReplyError(text))

    assert type(error) is kind
    assert str(error) == text


def test_a_moved_slot_tells_where_it_is():
    error = error_of(hiredis.ReplyError("MOVED 3999 127.0.0.1:6381"))

    assert (error.slot_id, error.host, error.port) == (3999, "127.0.0.1", 6381)


def test_what_is_no_error_stays_as_it_is():
    reply = [1, b"a", [None, {b"k": 1}]]

    assert convert(reply) is reply


def test_errors_are_found_at_any_depth():
    converted = convert([1, [[hiredis.ReplyError("OOM no")]]])

    assert isinstance(converted[1][0][0], exceptions.OutOfMemoryError)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("TGCHANNEL a channel", InvalidChannel), ("TGDATA no", InvalidData), ("TGNAMESPACE no", UnknownChannel)],
)
def test_a_refusal_of_our_functions_becomes_the_models_error_without_the_code(text, kind):
    error = model_error(exceptions.ResponseError(text))

    assert type(error) is kind
    assert str(error) == text.partition(" ")[2]


def test_everything_else_means_that_the_outcome_is_unknown():
    assert type(model_error(exceptions.ConnectionError("lost"))) is BrokerUnavailable


def test_a_missing_function_and_missing_settings_ask_for_the_library():
    assert is_library_missing(exceptions.ResponseError("ERR Function not found"))
    assert is_library_missing(exceptions.ResponseError("TGPREFIX no gateway"))
    assert not is_library_missing(exceptions.ResponseError("TGDATA no"))

"""The tables and numbers of docs/hooks.md are those of the code."""

from __future__ import annotations

import re

import pytest
from docs.markdown import ROOT, table_under

from trio_gateway.broker.limits import MAX_INFO_BYTES
from trio_gateway.gateway.commands.orders import RETRY_SECONDS
from trio_gateway.gateway.nodes import departures, lost_nodes, record, telling, untold
from trio_gateway.hooks.http import breaker, caller, exchange, requests, results
from trio_gateway.hooks.http.back_end import SHAPES
from trio_gateway.hooks.http.statistics import FAILURES
from trio_gateway.model import seldom
from trio_gateway.settings.back_end import HookRules

PAGE = ROOT / "docs" / "hooks.md"
TEXT = PAGE.read_text(encoding="utf-8")
BODIES = {
    "connect": requests.ConnectBody,
    "subscribe": requests.ChannelBody,
    "publish": requests.ChannelBody,
    "rpc": requests.RpcBody,
    "refresh": requests.UserBody,
    "sub_refresh": requests.ChannelBody,
    "disconnected": requests.DisconnectedBody,
}
ANSWERS = {
    "connect": results.ConnectAnswer,
    "subscribe": results.SubscribeAnswer,
    "publish": results.PublishAnswer,
    "rpc": results.RpcAnswer,
    "refresh": results.RefreshAnswer,
    "sub_refresh": results.RefreshAnswer,
}


def words(cell):
    return re.findall(r"\w+", cell)


def hooks_in(cell):
    """Read in which hooks a field is."""
    if not cell.startswith("all"):
        return set(words(cell))
    return SHAPES.keys() - words(cell)


def fields_of(rows):
    """Give the fields of each hook, as a table has them."""
    return {hook: {name for row in rows if hook in hooks_in(row[1]) for name in words(row[0])} for hook in SHAPES}


def test_all_hooks_are_there():
    assert [row[0] for row in table_under(PAGE, "Hooks")] == list(SHAPES)


@pytest.mark.parametrize("hook", SHAPES)
def test_the_fields_that_are_asked_are_those_of_the_code(hook):
    left_out = {"data"} if hook == "sub_refresh" else set()

    assert fields_of(table_under(PAGE, "What is asked"))[hook] == set(BODIES[hook].__struct_fields__) - left_out


@pytest.mark.parametrize("hook", ANSWERS)
def test_the_fields_of_results_are_those_of_the_code(hook):
    assert fields_of(table_under(PAGE, "What is answered", number=1))[hook] == set(ANSWERS[hook].__struct_fields__)


def test_the_ways_to_answer_are_those_of_the_code():
    rows = table_under(PAGE, "What is answered")

    assert [words(row[0])[0] for row in rows] == list(results.Answer.__struct_fields__)


def test_the_kinds_of_failures_are_those_that_are_counted():
    rows = table_under(PAGE, "When the back end is slow, wrong or gone")

    assert [row[0] for row in rows] == list(FAILURES)


@pytest.mark.parametrize(
    "sentence",
    [
        f"`timeout` ({HookRules(url='http://a').timeout:g} s by default)",
        f"asked about again {RETRY_SECONDS[0]:g} to {RETRY_SECONDS[1]:g} s later",
        f"more than {exchange.MAX_ANSWER // 1_048_576} MiB",
        f"`max_concurrent` requests ({HookRules(url='http://a').max_concurrent})",
        f"`max_waiting` ({HookRules(url='http://a').max_waiting})",
        f"did not answer {breaker.FAILURES} times in a row",
        f"After {breaker.FAILURES} in a row nothing is sent for up to {breaker.FIRST_PAUSE:g} s",
        f"up to {breaker.LONGEST_PAUSE:g} s",
        f"at most one in {seldom.LOG_SECONDS:g} s",
        f"are kept for {exchange.KEEP_SECONDS:g} s",
        "the statuses {}, {} and {}".format(*sorted(caller.AWAY)),
        f"larger than {MAX_INFO_BYTES // 1024} KiB",
        f"after up to {untold.FIRST_PAUSE:g} s, doubling up to {untold.LONGEST_PAUSE:g} s, for a day",
    ],
)
def test_the_numbers_are_those_of_the_code(sentence):
    assert sentence in " ".join(TEXT.split())


def test_the_record_is_kept_and_looked_for_as_the_page_says():
    assert record.RECORD_SECONDS == 24 * 3600
    assert departures.RECORDS_PER_CONNECTION == 4
    assert 2 / lost_nodes.LOOKS == 0.5
    assert 60 / lost_nodes.LOOKS == 15
    assert telling.TELL_SECONDS == 30 < lost_nodes.CLAIM_SECONDS
    assert telling.AT_ONCE == 16
    assert lost_nodes.CLAIM_SECONDS == 60

"""The tables of docs/centrifugo.md say what the code says of a configuration file of Centrifugo."""

from __future__ import annotations

import json

from docs.markdown import ROOT, blocks, table_under

from trio_gateway.settings.centrifugo.document import translate
from trio_gateway.settings.centrifugo.proxies import FIELDS, PROXIES
from trio_gateway.settings.centrifugo.refused import (
    OTHER_STORE,
    REFUSED,
    REFUSED_IN_NAMESPACES,
    SILENT,
    SILENT_IN_NAMESPACES,
    SUBSCRIPTIONS_OWN,
)
from trio_gateway.settings.centrifugo.taken import IN_NAMESPACES, STORE, SWITCH, TAKEN

PAGE = ROOT / "docs" / "centrifugo.md"
STOPS = "Options that stop the start"


def test_the_options_that_are_taken_are_those_of_the_code():
    rows = table_under(PAGE, "Options that are taken")
    expected = [(taken.name, taken.option) for taken in TAKEN] + [(name, "redis_url") for name in STORE]

    assert [(row[0], row[1]) for row in rows] == expected


def test_the_proxies_are_those_of_the_code():
    rows = table_under(PAGE, "Proxies that are taken")

    assert [(row[0], row[1]) for row in rows] == [(one.name, f"[hooks.{one.hook}]") for one in PROXIES]
    assert all((one.switch or one.hook) in row[2] for row, one in zip(rows, PROXIES, strict=True))


def test_the_options_of_a_proxy_are_those_of_the_code():
    rows = table_under(PAGE, "Proxies that are taken", number=1)

    assert [(row[0], row[1]) for row in rows] == [(name, ours) for name, (ours, _kind) in FIELDS.items()]


def test_the_options_of_a_namespace_are_those_of_the_code():
    assert [row[0] for row in table_under(PAGE, "Options of a namespace that are taken")] == list(IN_NAMESPACES)


def test_the_options_that_stop_the_start_are_those_of_the_code():
    rows = table_under(PAGE, STOPS)
    by_value = [
        [SWITCH, "", f"without a secret beside it: {SUBSCRIPTIONS_OWN}"],
        ["engine.type", "memory`, `redis", OTHER_STORE],
    ]

    assert rows == [[one.name, "".join(one.unless), one.advice] for one in REFUSED] + by_value


def test_those_of_a_namespace_too():
    rows = table_under(PAGE, STOPS, number=1)

    assert rows == [[one.name, "".join(one.unless), one.advice] for one in REFUSED_IN_NAMESPACES]


def test_the_values_without_a_word_are_those_of_the_code():
    rows = table_under(PAGE, "Values that need no word")
    known = {**SILENT, **SILENT_IN_NAMESPACES}

    assert {row[0]: row[1] for row in rows} == {name: str(value) for name, (value,) in known.items()}


def test_the_file_shown_is_taken_but_for_the_option_that_the_page_names():
    ((_language, text),) = [block for block in blocks(PAGE) if block[0] == "json"]

    assert translate(json.loads(text)).ignored == ("admin",)

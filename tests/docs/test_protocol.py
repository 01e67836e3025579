"""The tables of docs/protocol.md say what the code says."""

from __future__ import annotations

import json
import re
from importlib.resources import files

import pytest
from docs.markdown import ROOT, blocks, table_under

from trio_gateway.broker.redis.keys import Keys
from trio_gateway.broker.redis.refusals import REFUSALS
from trio_gateway.model.codes import DISCONNECT_CODES, ERROR_CODES
from trio_gateway.model.publication import Gap, Publication
from trio_gateway.model.replies import Goodbye, Ping
from trio_gateway.wire import plain_requests
from trio_gateway.wire.plain import PLAIN
from trio_gateway.wire.refusal import _STATUS

PAGE = ROOT / "docs" / "protocol.md"

FRAMES = [
    PLAIN.encode_publication(
        PLAIN.publication_head("#7", "5f0c1e6b9a3d"),
        Publication(12, 11, b'{"text":"hi"}', 1767225600000, sender="8", id="m1"),
    ),
    PLAIN.encode_gap("#7", Gap(None, None, "5f0c1e6b9a3d", 40)),
    PLAIN.encode(Goodbye(3001, "shutdown", 840)),
    PLAIN.encode(Goodbye(3503, "force disconnect", None)),
    PLAIN.encode(Ping()),
]


def test_the_error_codes_are_those_of_the_model():
    rows = table_under(PAGE, "Error codes")

    assert [(code.code, code.message) for code in ERROR_CODES] == [(int(row[0]), row[1]) for row in rows]


def test_the_closing_codes_are_those_of_the_model():
    rows = table_under(PAGE, "Closing codes")
    expected = [(code.code, code.reason, "no" if code.terminal else "yes") for code in DISCONNECT_CODES]

    assert expected == [(int(row[0]), row[1], row[2]) for row in rows]


def test_the_frames_shown_are_what_the_codec_writes():
    shown = next(text.splitlines() for language, text in blocks(PAGE) if language == "json")

    # The header before the payload is 2 bytes, or 4.
    assert [frame[frame.index(b"{") :].decode() for frame in FRAMES] == shown


def test_the_frames_of_clients_are_those_that_are_read():
    rows = table_under(PAGE, "Frames from the client")

    assert {row[0] for row in rows} == plain_requests._TYPES


@pytest.mark.parametrize("row", table_under(PAGE, "Frames from the client"), ids=lambda row: row[0])
def test_the_fields_of_a_client_frame_are_those_that_are_read(row):
    (shape,) = [kind for kind in plain_requests._Frame.__subclasses__() if kind.__struct_config__.tag == row[0]]
    named = re.findall(r"`(\w+)`", f"`{row[1]}`")

    assert set(named) == set(shape.__struct_fields__) - (set() if "ref" in named else {"ref"})


def test_the_statuses_of_refusals_are_those_of_the_code():
    rows = table_under(PAGE, "Refusals")
    shown = {(int(status), int(row[1])) for row in rows for status in row[0].split(", ")}

    assert {(status, kind.error_code.code) for kind, (status, _) in _STATUS.items()} <= shown


def test_the_refusals_of_the_functions_are_those_that_are_known():
    rows = table_under(PAGE, "tg1_publish", number=1)

    assert {row[0] for row in rows} == {*REFUSALS, "TGPREFIX"}


def test_every_function_of_the_library_is_there():
    folder = files("trio_gateway.broker.redis").joinpath("functions")
    source = "".join(part.read_text(encoding="utf-8") for part in folder.iterdir())
    rows = table_under(PAGE, "The other functions")

    assert {"tg1_publish", *(row[0] for row in rows)} == set(re.findall(r"'(tg1_\w+)'", source))


def test_the_keys_are_those_that_the_gateway_makes():
    keys = Keys()
    record = keys.record("C", "8", "m1").replace(":1:8:m1", ":<bytes of sender>:<sender>:<id>")
    made = [keys.meta("C"), keys.stream("C"), record, keys.cursors("C")]
    made += [*keys.for_presence("C"), keys.marks, keys.owner]
    shown = [row[0].replace("pub/sub `", "pub/sub ") for row in table_under(PAGE, "Keys")]

    assert [*made, f"pub/sub {keys.hints('C')}", f"pub/sub {keys.owner}"] == shown


def test_names_are_escaped_as_the_page_says():
    assert Keys().meta("a%{b}") == "tg:{a%25%7Bb%7D}:m"


def test_the_frames_shown_are_json():
    shown = [text for language, text in blocks(PAGE) if language == "json"]

    assert all(json.loads(line)["type"] for text in shown for line in text.splitlines())

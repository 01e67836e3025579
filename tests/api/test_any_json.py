"""Whatever JSON is posted, the answer is one that is documented."""

from __future__ import annotations

import json

import msgspec
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.api.calling import KEY, Caller
from trio_gateway.api.answers import STATUS_OF
from trio_gateway.api.methods import METHODS
from trio_gateway.model.codes import ERROR_CODES

MESSAGES = {code.code: code.message for code in ERROR_CODES if code.code in STATUS_OF}

FIELDS = sorted({field for method in METHODS.values() for field in method.request.__struct_fields__})
NAMES = st.sampled_from(["news", "none:x", "nowhere:x", "#7", "$:control", "$news", "", "brief:x", "*", "[", "e", "7"])
NUMBERS = st.integers(-2, 5) | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | NAMES | st.text(max_size=5)
KEYS = st.sampled_from([*FIELDS, *METHODS, "offset", "epoch", "code", "reason", "value"]) | st.text(max_size=3)


def deeper(values):
    return st.lists(values, max_size=3) | st.dictionaries(KEYS, values, max_size=4)


ANY = st.recursive(SCALARS, deeper, max_leaves=12)
GOOD = dict.fromkeys(FIELDS, ANY) | {
    "channel": NAMES | st.text(),
    "channels": st.lists(NAMES, max_size=4),
    "user": NAMES,
    "limit": NUMBERS,
    "since": st.fixed_dictionaries({}, optional={"offset": NUMBERS, "epoch": NAMES}),
    "commands": st.lists(st.dictionaries(st.sampled_from(sorted(METHODS)), ANY, max_size=2), max_size=3),
}
"""What is nearly right goes further in than what is not."""


def requests_of(method):
    fields = {field: GOOD[field] for field in method.request.__struct_fields__}
    needed = {field.encode_name for field in msgspec.structs.fields(method.request) if field.required}
    required = {field: fields.pop(field) for field in sorted(needed)}
    return st.fixed_dictionaries(required, optional=fields) | ANY


async def post(method, body, mode):
    return await Caller().ask(
        f"/api/{method}", content=body, headers={"X-API-Key": KEY, "X-Centrifugo-Error-Mode": mode}
    )


def check_error(error, *, mode="", status=200):
    assert error["message"] == MESSAGES[error["code"]]
    assert isinstance(error.get("detail", ""), str)
    assert status == (STATUS_OF[error["code"]] if mode else 200)


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: method.name)
@given(data=st.data(), mode=st.sampled_from(["", "transport"]))
@settings(max_examples=60)
def test_any_json_has_a_documented_answer(method, data, mode):
    request = data.draw(requests_of(method))
    answer = trio.run(post, method.name, json.dumps(request), mode)
    if answer.status_code == 400 and answer.headers["content-type"].startswith("text/plain"):
        assert "JSON" in answer.text
        return
    shown = answer.json()
    if "error" in shown or answer.status_code != 200:
        check_error(shown.get("error", shown), mode=mode, status=answer.status_code)
    else:
        msgspec.json.decode(json.dumps(shown["result"] if method.wrapped else shown), type=method.result)
        for reply in shown.get("replies", ()):
            if "error" in reply:
                check_error(reply["error"])


@given(body=st.binary(max_size=30))
@settings(max_examples=100)
def test_any_bytes_have_a_documented_answer(body):
    answer = trio.run(post, "publish", body, "")
    assert answer.status_code in (200, 400)

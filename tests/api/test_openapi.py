"""The OpenAPI document is whole: every reference leads somewhere, every example fits its schema."""

from __future__ import annotations

import json

import msgspec
import pytest

from trio_gateway.api.methods import METHODS
from trio_gateway.api.openapi import SECURITY_SCHEMES, make_document
from trio_gateway.api.sentences import SENTENCES
from trio_gateway.api.server_api import ServerApi

DOCUMENT = json.loads(msgspec.json.encode(make_document()))


def walk(node):
    yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from walk(child)


async def test_it_is_served_without_a_key(call):
    answer = await call.ask("/api/openapi.json", method="GET", headers={})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == DOCUMENT


def test_it_has_what_openapi_3_1_asks_for():
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert DOCUMENT["info"].keys() >= {"title", "version"}
    for path, item in DOCUMENT["paths"].items():
        assert path.startswith("/")
        for operation in item.values():
            assert all(answer["description"] for answer in operation["responses"].values())
            assert operation["requestBody"]["content"]["application/json"]["schema"]


def test_every_reference_leads_somewhere():
    found = {node["$ref"] for node in walk(DOCUMENT) if isinstance(node, dict) and "$ref" in node}
    assert found
    assert {reference.removeprefix("#/components/schemas/") for reference in found} <= set(
        DOCUMENT["components"]["schemas"]
    )


def test_every_security_requirement_is_a_scheme_that_is_described():
    assert {name for requirement in DOCUMENT["security"] for name in requirement} == set(SECURITY_SCHEMES)
    assert DOCUMENT["components"]["securitySchemes"].keys() == SECURITY_SCHEMES.keys()


def test_the_table_holds_every_method_of_the_api_once():
    public = {name for name in vars(ServerApi) if not name.startswith("_")} - {"call"}
    assert set(METHODS) == public == set(SENTENCES)
    assert list(METHODS) == list(SENTENCES)
    assert {f"/api/{name}" for name in METHODS} == set(DOCUMENT["paths"])


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: method.name)
def test_the_examples_are_of_the_types_that_they_show(method):
    msgspec.json.decode(json.dumps(method.example), type=method.request)
    msgspec.json.decode(json.dumps(method.answer), type=method.result)
    assert set(method.example) <= set(method.request.__struct_fields__)
    assert set(method.answer) <= set(method.result.__struct_fields__)


UNKNOWN = {"channel": "nowhere:x"}
WRONG = [
    *((name, {**METHODS[name].example, **UNKNOWN}) for name in METHODS if "channel" in METHODS[name].example),
    *((name, {"channel": "none:x"}) for name in ("presence", "presence_stats", "history", "history_remove")),
    ("history", {"channel": "news", "since": {"offset": 1, "epoch": "another"}}),
    ("rpc", {"method": "nothing"}),
    *((name, {"user": 7, "channels": 7, "channel": 7}) for name in ("publish", "broadcast", "block_user")),
]


@pytest.mark.parametrize(("name", "request_"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
async def test_the_status_of_an_error_is_one_of_those_listed_for_the_method(call, name, request_):
    answer = await call.post(name, request_, **{"X-Centrifugo-Error-Mode": "transport"})
    code = answer.json()["code"]

    assert code in [error.code for error in METHODS[name].errors]
    listed = DOCUMENT["paths"][f"/api/{name}"]["post"]["responses"]
    assert f"error {code} " in listed[str(answer.status_code)]["description"]


@pytest.mark.parametrize("name", sorted(set(DOCUMENT["components"]["schemas"]) - {"NodeStatistics"}))
def test_every_field_says_what_it_means(name):
    properties = DOCUMENT["components"]["schemas"][name].get("properties", {})
    assert [field for field, schema in properties.items() if not schema.get("description")] == []


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: method.name)
def test_each_sentence_is_one(method):
    assert method.sentence.endswith(".")
    assert method.sentence.count(".") == 1
    assert len(method.sentence) <= 56, "a line of the command's help has 80 columns"

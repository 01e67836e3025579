"""The page to read the API shows all of it, and loads nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from trio_gateway.api.docs_page import DIGEST, STYLE
from trio_gateway.api.fields import ANY, fields_of, type_of
from trio_gateway.api.methods import METHODS
from trio_gateway.api.openapi import schemas


async def page(call, **headers):
    return await call.ask("/api/docs", method="GET", headers=headers)


async def test_it_needs_no_key_and_no_script(call):
    answer = await page(call)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<script" not in answer.text
    assert "script-src" not in answer.headers["content-security-policy"]
    assert answer.headers["content-security-policy"].startswith(f"default-src 'none'; style-src 'sha256-{DIGEST}'")
    assert f"<style>{STYLE}</style>" in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_it_loads_nothing_from_elsewhere(call):
    text = (await page(call)).text
    assert not re.search(r'(?:src|href)="(?!/|#|data:)', text)
    assert "url(" not in STYLE


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: method.name)
async def test_each_method_is_there_with_its_fields_and_an_example(call, method):
    text = (await page(call)).text
    section = text.partition(f'id="{method.name}"')[2].partition("</section>")[0]
    assert f"/api/<span>{method.name} \\</span>" in section
    assert f'href="#{method.name}"' in text
    for field in (*method.request.__struct_fields__, *method.result.__struct_fields__):
        assert f"<dt><code>{field}</code>" in section


async def test_the_examples_call_the_gateway_under_the_name_that_the_browser_used(call):
    text = (await page(call, Host="node.example:91")).text
    assert "curl http://node.example:91/api/publish \\\n" in re.sub("</?span>", "", text)
    assert "127.0.0.1:9000" not in text


@pytest.mark.parametrize("host", ['x"><script>', "a b", ""])
async def test_a_host_that_is_none_is_refused(call, host):
    assert (await page(call, Host=host)).status_code == 400


async def test_what_is_opened_is_closed(call):
    opened = []

    class Balance(HTMLParser):
        def handle_starttag(self, tag, attributes):
            if tag not in ("meta", "link"):
                opened.append(tag)

        def handle_endtag(self, tag):
            assert opened.pop() == tag

    Balance().feed((await page(call)).text)
    assert opened == []


def test_inner_fields_stand_under_their_path_and_required_ones_first():
    found = {field.path: field for field in fields_of("SubscribeRequest", schemas())}
    assert next(iter(found)) == "channel"
    assert found["channel"].required
    assert found["override.presence.value"].type == "boolean"
    assert found["override.presence.value"].meaning == "Is shown in the channel's presence."
    assert "override.presence" not in found
    assert found["recover_since.offset"].type == "integer"
    inside = [field.path for field in fields_of("PresenceResult", schemas())]
    assert "presence.*.user" in inside
    assert "responses[].error.code" in [field.path for field in fields_of("BroadcastResult", schemas())]


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({}, ANY),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string"),
        ({"type": "array", "items": {"type": "string"}}, "array of strings"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/X"}}, "array of objects"),
        ({"type": "object", "additionalProperties": {}}, f"object of {ANY}"),
        ({"type": "array", "items": {"type": "object", "additionalProperties": {}}}, f"array of objects of {ANY}"),
    ],
)
def test_a_type_is_said_in_words(schema, words):
    assert type_of(schema) == words

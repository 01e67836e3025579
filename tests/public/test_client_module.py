"""The JavaScript client is served where clients connect."""

from __future__ import annotations

from importlib.resources import files

from public.public_place import ask, serve_public

BUILT = (files("trio_gateway.public") / "client.js").read_bytes()


async def test_it_is_the_module_that_was_built():
    async with serve_public() as place:
        status, module, head = await ask(place, "/client.js")

    assert (status, module) == (200, BUILT)
    assert "content-type: text/javascript; charset=utf-8" in head
    assert "x-content-type-options: nosniff" in head


async def test_what_a_cache_keeps_for_the_gateways_own_page_is_not_given_to_another():
    async with serve_public() as place:
        _, _, head = await ask(place, "/client.js")

    assert "vary: Origin\r\n" in head


async def test_a_page_of_another_origin_that_may_connect_may_load_it():
    async with serve_public(allowed_origins=("https://app.example",)) as place:
        _, _, head = await ask(place, "/client.js", headers=[("Origin", "https://app.example")])
        status, refused, _ = await ask(place, "/client.js", headers=[("Origin", "https://evil.example")])

    assert "access-control-allow-origin: https://app.example" in head
    assert (status, refused["code"]) == (403, 103)

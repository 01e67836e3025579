"""Who hears by a stream acknowledges, sends and publishes by requests, and is who they say as at the stream itself."""

from __future__ import annotations

import pytest
import trio
from gateway.peers import SECRET, token
from gateway.shared_broker import SharedBroker
from gateway.streams import StreamPeer, http_request
from public.public_place import ask, serve_public

from trio_gateway.hooks.hooks import Hooks
from trio_gateway.hub.acks import FLUSH_SECONDS
from trio_gateway.model.errors import PermissionDenied, Unauthorized
from trio_gateway.model.user import User
from trio_gateway.settings.namespaces import InboxRules, Namespaces


@pytest.fixture
async def place():
    async with serve_public() as place:
        yield place


async def listen(place, path="/sse?user=7&device=tab", **options):
    peer = await place.wire(speak=StreamPeer).open(http_request(path, **options))
    peer.hello = await peer.receive()
    return peer


async def test_a_device_that_acknowledges_goes_on_behind_that(place, autojump_clock):
    peer = await listen(place)
    for number in (1, 2, 3):
        await place.broker.publish("#7", b"%d" % number)
    await peer.receive()
    await peer.receive()
    status, answer, _ = await ask(place, "/ack?user=7&device=tab", {"position": peer.last_id})
    await peer.stream.aclose()

    assert (status, answer) == (204, None)
    assert (await (await listen(place)).receive())["data"] == 3


async def test_an_ack_is_written_for_other_nodes_soon(autojump_clock):
    broker = SharedBroker()
    async with serve_public(broker=broker) as one, serve_public(broker=SharedBroker(beside=broker)) as other:
        peer = await listen(one)
        await broker.publish("#7", b"1")
        await broker.publish("#7", b"2")
        await peer.receive()
        await ask(other, "/ack?user=7&device=tab", {"position": peer.last_id})
        await peer.stream.aclose()
        await trio.sleep(2 * FLUSH_SECONDS)

        assert (await (await listen(one)).receive())["data"] == 2


async def test_an_ack_of_another_epoch_is_void(place, autojump_clock):
    peer = await listen(place)
    await place.broker.publish("#7", b"1")
    await peer.stream.aclose()

    assert (await ask(place, "/ack?user=7&device=tab", {"position": "other:1"}))[0] == 204
    assert (await (await listen(place)).receive())["data"] == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/ack?user=7", {"position": "{epoch}:0"}),
        ("/ack?user=7&device=tab", {"position": "{epoch}:9"}),
        ("/ack?user=7&device=tab", {"position": "9"}),
        ("/ack?user=7&device=tab", {}),
        ("/ack?user=7&device=tab", b""),
        ("/ack?user=7&device=", {"position": "{epoch}:0"}),
        ("/send?user=7", {"to": "8"}),
        ("/send?user=7", {"to": "", "data": 1}),
        ("/send?user=7", {"type": "publish", "to": "8", "data": 1}),
        ("/send?user=7", {"to": "8", "data": 1, "id": "a\nb"}),
        ("/send?user=7", b"{"),
        ("/publish?user=7", {"channel": "", "data": 1}),
        ("/publish?user=7", {"channel": "nowhere:x", "data": 1}),
    ],
)
async def test_what_can_not_be_done_is_told_with_the_reason(place, path, body, autojump_clock):
    epoch = (await listen(place)).hello["position"].partition(":")[0]
    if isinstance(body, dict):
        body = {name: value.format(epoch=epoch) if isinstance(value, str) else value for name, value in body.items()}
    status, answer, _ = await ask(place, path, body)

    assert status == 400
    assert answer["code"] in (102, 107)
    assert answer["detail"]


async def test_a_frame_that_a_websocket_would_not_take_is_too_large(place, autojump_clock):
    status, answer, _ = await ask(place, "/send?user=7", {"to": "8", "data": "x" * 66_000})

    assert (status, answer["code"]) == (413, 107)
    assert "65536" in answer["detail"]


async def test_a_message_is_sent_once_however_often_it_is_repeated(place, autojump_clock):
    peer = await listen(place, "/sse?user=8")
    for _ in range(3):
        status, answer, _ = await ask(place, "/send?user=7", {"to": "8", "data": {"a": 1}, "id": "m1"})

        assert (status, answer) == (200, {"type": "ok", "offset": 1})
    message = await peer.receive()
    assert (message["data"], message["from"], message["id"]) == ({"a": 1}, "7", "m1")
    await ask(place, "/send?user=7", {"to": "8", "data": 2})
    assert (await peer.receive())["data"] == 2


async def test_the_frame_of_the_websocket_is_taken_as_it_is(place):
    status, answer, _ = await ask(place, "/send?user=7", {"type": "send", "to": "8", "data": 1, "ref": 5})

    assert (status, answer) == (200, {"type": "ok", "ref": 5, "offset": 1})


async def test_a_channel_is_published_to_where_clients_may(autojump_clock):
    async with serve_public(insecure=False, token_secret=SECRET) as place:
        path = f"/publish?token={token('7')}"
        statuses = [(await ask(place, path, {"channel": name, "data": 1}))[0] for name in ("open:x", "closed", "#8")]

    assert statuses == [200, 403, 403]


async def test_where_clients_may_not_send_it_is_refused():
    namespaces = Namespaces(inbox=InboxRules(allow_send_for_client=False))
    async with serve_public(namespaces=namespaces) as place:
        status, answer, _ = await ask(place, "/send?user=7", {"to": "8", "data": 1})

    assert (status, answer["code"]) == (403, 103)


@pytest.mark.parametrize("path", ["/ack", "/send", "/publish"])
async def test_without_a_valid_identity_nothing_is_done(path, autojump_clock):
    async with serve_public(insecure=False, token_secret=SECRET) as place:
        status, answer, head = await ask(place, path, {"to": "8", "data": 1})

    assert (status, answer) == (401, {"code": 101, "message": "unauthorized"})
    assert "www-authenticate: Bearer" in head


async def test_a_token_says_who_it_is(autojump_clock):
    async with serve_public(insecure=False, token_secret=SECRET) as place:
        headers = [("Authorization", f"Bearer {token('7')}")]
        assert (await ask(place, "/send", {"to": "8", "data": 1}, headers=headers))[0] == 200
        assert (await ask(place, f"/send?token={token('7')}", {"to": "8", "data": 1}))[0] == 200


async def test_a_user_who_is_blocked_does_nothing(place):
    await place.node.control.block_user("7", 60)
    status, _, _ = await ask(place, "/send?user=7", {"to": "8", "data": 1})

    assert status == 403


async def test_a_user_asks_within_a_rate(autojump_clock):
    async with serve_public(commands_per_second=1, command_burst=2) as place:
        statuses = [(await ask(place, "/send?user=7", {"to": "8", "data": 1}))[0] for _ in range(3)]
        other = (await ask(place, "/send?user=9", {"to": "8", "data": 1}))[0]

    assert (statuses, other) == ([200, 200, 429], 200)


async def test_the_application_is_asked_and_its_answer_told():
    async def on_message(client, message):
        if message.data == "bad":
            raise PermissionDenied("not here")
        return {"seen": message.data, "by": client.user.id}

    async with serve_public(hooks=Hooks(on_message=on_message)) as place:
        _, answer, _ = await ask(place, "/send?user=7", {"to": "8", "data": "good"})
        status, refusal, _ = await ask(place, "/send?user=7", {"to": "8", "data": "bad"})

    assert answer == {"type": "ok", "offset": 1, "data": {"seen": "good", "by": "7"}}
    assert (status, refusal["code"]) == (403, 103)


async def test_the_applications_own_authentication_replaces_tokens():
    async def authenticate(request):
        if request.headers.get("cookie") != "session=1":
            raise Unauthorized("no session")
        return User("7")

    async with serve_public(insecure=False, hooks=Hooks(authenticate=authenticate)) as place:
        known = await ask(place, "/send", {"to": "8", "data": 1}, headers=[("Cookie", "session=1")])
        unknown = await ask(place, "/send", {"to": "8", "data": 1})

    assert (known[0], unknown[0]) == (200, 401)


async def test_a_store_that_is_away_leaves_the_outcome_unknown(autojump_clock):
    broker = SharedBroker()
    async with serve_public(broker=broker) as place:
        broker.away = True
        status, answer, _ = await ask(place, "/send?user=7", {"to": "8", "data": 1, "id": "m1"})

    assert (status, answer["code"]) == (503, 100)

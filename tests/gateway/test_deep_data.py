"""Data that is nested about as deep as Python goes is refused to its sender, wherever on the way the depth runs out."""

import pytest
from captured_logs import capture_logs
from gateway.peers import Closed, serve_sdk_place
from wire.client_frames import client_frame

from trio_gateway.hooks.hooks import Hooks


async def answer(_client, _message):
    return "heard"


@pytest.mark.parametrize("depth", range(900, 1000))
async def test_the_connection_stays_or_the_request_is_broken_but_nothing_fails(depth):
    async with serve_sdk_place(hooks=Hooks(on_message=answer)) as place:
        peer = await place.connect()
        with capture_logs() as logs:
            data = b"[" * depth + b"]" * depth
            await peer.write(client_frame(b'{"id":9,"rpc":{"method":"x","data":' + data + b"}}"))
            try:
                reply = await peer.receive()
            except Closed as closed:
                reply = closed.code

        assert reply in ({"id": 9, "rpc": {"data": "heard"}}, 3501) or reply["error"]["code"] == 107
        assert [line for line in logs if line["log_level"] == "error"] == []

"""A client that leaves while its opening is answered is nobody's fault."""

from gateway.peers import request, serve_place
from trio.testing import wait_all_tasks_blocked

from tests.captured_logs import capture_logs


async def test_a_client_that_is_gone_before_its_101_is_no_error():
    with capture_logs() as logs:
        async with serve_place() as place:
            peer = place.wire()
            await peer.write(request())
            peer.stream.socket.close()
            await wait_all_tasks_blocked()

            assert place.node.sockets == 0
    assert [line["event"] for line in logs if line["log_level"] != "debug"] == []

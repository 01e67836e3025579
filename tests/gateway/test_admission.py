"""The bound on clients holds, however many come in one moment."""

import trio
from gateway.peers import request, serve_place
from trio.testing import wait_all_tasks_blocked


async def test_of_many_who_open_at_once_no_more_than_the_bound_get_in():
    heads = []

    async def come(place, number):
        peer = place.wire()
        await peer.write(request(f"/ws?user={number}"))
        heads.append((await peer.read_head()).split()[1])

    async with serve_place(max_connections=3) as place:
        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(come, place, number)
        inside = len(place.node.connections)

    assert sorted(heads) == ["101"] * 3 + ["503"] * 17
    assert inside == 3


async def test_who_leaves_makes_room():
    async with serve_place(max_connections=1) as place:
        for _ in range(3):
            peer = await place.dial()
            peer.stream.socket.close()
            await wait_all_tasks_blocked()

        assert place.node.admitted == 0

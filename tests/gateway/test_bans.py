"""Blocked users and revoked tokens are kept out by every node, also by one that starts later, each for its time."""

import pytest
import trio
from gateway.peers import Closed, request, serve_sdk_place, token, unix_time
from gateway.shared_broker import SharedBroker
from trio.testing import wait_all_tasks_blocked

from trio_gateway.gateway.admission.bans import Ban, Bans
from trio_gateway.gateway.transport.socket import ClientSocket
from trio_gateway.model.codes import NOT_PERMITTED
from trio_gateway.model.errors import BrokerUnavailable, Disconnected
from trio_gateway.model.user import User
from trio_gateway.session.connecting import Admission
from trio_gateway.wire.frames import Opcode


@pytest.fixture
async def places():
    broker = SharedBroker()
    async with serve_sdk_place(broker=broker) as here, serve_sdk_place(broker=SharedBroker(broker)) as there:
        yield here, there


async def kept_out(place, user="7", **claims):
    """Connect in vain, and tell with which code."""
    peer = await place.open_sdk()
    await peer.command(("connect", {"token": token(user, **claims)}))
    return (await peer.closed()).code


async def test_a_blocked_user_is_disconnected_and_kept_out_on_every_node(places):
    here, there = places
    clients = [await here.connect(), await there.connect()]
    other = await there.connect("8")
    await here.node.control.block_user("7", 3600)

    assert [(await client.closed()).code for client in clients] == [3503, 3503]
    assert [await kept_out(here), await kept_out(there)] == [3507, 3507]
    assert await other.silent()


async def test_a_node_that_starts_later_knows_who_is_kept_out(places):
    here, _there = places
    await here.node.control.block_user("7", 3600)
    async with serve_sdk_place(broker=SharedBroker(here.broker)) as later:
        assert await kept_out(later) == 3507


async def test_the_plain_protocol_refuses_the_upgrade(places):
    here, there = places
    await here.node.control.block_user("7", 3600)
    await here.node.control.revoke_token("t", 3600)
    await wait_all_tasks_blocked()

    status, body, _head = await there.refused(request(f"/ws?token={token()}"))
    assert (status, body["code"]) == (403, 103)
    status, body, _head = await there.refused(request(f"/ws?token={token('8', jti='t')}"))
    assert (status, body["code"]) == (401, 101)


async def test_a_block_ends_by_itself_or_is_taken_back(places, autojump_clock):
    here, there = places
    await here.node.control.block_user("7", 60)
    await here.node.control.block_user("8", 3600)
    assert await kept_out(there) == 3507
    await here.node.control.unblock_user("8")
    await here.node.control.unblock_user("9")
    await wait_all_tasks_blocked()
    assert await there.connect("8")
    await trio.sleep(61)

    assert await there.connect()
    assert await here.broker.marks() == {}


async def test_a_revoked_token_ends_the_connections_that_came_with_it(places):
    here, there = places
    client, other = await there.connect(claims={"jti": "t"}), await there.connect(claims={"jti": "u"})
    await here.node.control.revoke_token("t", 3600)

    assert (await client.closed()).code == 3500
    assert await kept_out(here, jti="t") == 3500
    assert await other.silent()


async def test_a_users_tokens_are_revoked_up_to_now(places, autojump_clock):
    here, there = places
    old, undated = await there.connect(claims={"iat": int(unix_time())}), await there.connect()
    await trio.sleep(10)
    await here.node.control.revoke_user_tokens("7")

    assert [(await client.closed()).code for client in (old, undated)] == [3500, 3500]
    assert await kept_out(here, iat=int(unix_time()) - 5) == 3500
    await trio.sleep(2)
    assert await there.connect(claims={"iat": int(unix_time())})


async def test_who_is_blocked_while_it_connects_does_not_slip_in(places, autojump_clock):
    here, there = places
    await wait_all_tasks_blocked()
    hanging, go = trio.Event(), trio.Event()

    async def trouble(name):
        if name == "attach":
            hanging.set()
            await go.wait()

    there.broker.trouble = trouble
    peer = await there.open_sdk()
    await peer.command(("connect", {"token": token()}))
    await hanging.wait()
    await here.node.control.block_user("7", 60)
    await wait_all_tasks_blocked()
    go.set()

    assert (await peer.closed()).code == 3507
    assert there.left["subscriptions"] == 0


async def test_who_is_blocked_while_it_is_greeted_does_not_either(places, monkeypatch, autojump_clock):
    """While its hello waits for the socket it is no accepted connection yet, and has no other deadline than its opening's."""
    here, there = places
    send, go = ClientSocket.send, trio.Event()

    async def send_later(socket, data):
        await go.wait()
        await send(socket, data)

    monkeypatch.setattr(ClientSocket, "send", send_later)
    peer = there.wire()
    await peer.write(request(f"/ws?token={token()}"))
    await wait_all_tasks_blocked()
    assert there.node.clients.all()
    await here.node.control.block_user("7", 60)
    await wait_all_tasks_blocked()
    go.set()
    start = trio.current_time()
    await peer.read_head()

    with trio.fail_after(100):
        assert (await peer.receive_until("goodbye"))["code"] == 3503
        assert (await peer.read_frame())[0] is Opcode.CLOSE
        with pytest.raises(Closed):  # though the Close is not answered
            await peer.read_exactly(1)
    assert trio.current_time() - start == pytest.approx(5, abs=0.5)


async def test_a_mark_that_is_heard_while_the_marks_are_read_is_not_forgotten(places, autojump_clock):
    here, _there = places
    broker = SharedBroker(here.broker)
    read, go = trio.Event(), trio.Event()
    marks = broker.marks

    async def slow_marks():
        result = await marks()
        read.set()
        await go.wait()
        return result

    broker.marks = slow_marks
    async with serve_sdk_place(broker=broker) as later:
        await read.wait()
        await here.node.control.block_user("7", 60)
        await wait_all_tasks_blocked()
        go.set()

        assert await kept_out(later) == 3507


async def test_until_the_marks_were_read_nobody_is_let_in(autojump_clock):
    broker = SharedBroker()
    broker.away = True
    async with serve_sdk_place(broker=broker) as place:
        peer = await place.open_sdk()
        start = trio.current_time()

        assert await peer.refused("connect", token=token()) == 100
        assert trio.current_time() - start < 2
        broker.away = False
        assert await place.connect()


class TestBans:
    async def test_all_that_is_no_mark_is_left_alone(self):
        bans = Bans(trio.current_time)
        bans.take_all({"user:7": b"nonsense", "user:8": b"[1]", "user:9": b"[9e9,0]", "x": b"[1,2,3]"})

        assert bans.find(Admission(user=User("7"))) is None
        assert bans.find(Admission(user=User("9"))) is NOT_PERMITTED

    async def test_reading_all_marks_forgets_those_that_are_gone(self):
        bans = Bans(trio.current_time)
        bans.take("user:7", Ban(9e9, 0).to_mark())
        bans.take_all({})

        await bans.check(Admission(user=User("7")))

    async def test_a_ban_survives_being_written(self):
        ban = Ban(1_700_000_000.25, 1_600_000_000.5)

        assert Ban.from_mark(ban.to_mark()) == ban

    async def test_who_may_not_come_in_is_told_by_the_code(self):
        bans = Bans(trio.current_time)
        bans.take_all({"user:7": Ban(9e9, 0).to_mark().encode()})

        with pytest.raises(Disconnected):
            await bans.check(Admission(user=User("7")))

    async def test_before_the_marks_were_read_the_store_is_away(self, autojump_clock):
        with pytest.raises(BrokerUnavailable):
            await Bans(trio.current_time).check(Admission(user=User("7")))

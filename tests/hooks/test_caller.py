"""A back end that is slow, wrong or gone costs a client one error, quickly, and the gateway nothing."""

from __future__ import annotations

import gzip

import attrs
import httpx
import pytest
import trio
from captured_logs import capture_logs
from hooks.asking import CLIENT, OK, REQUESTS, RPC, URL, after, asking, response
from msgspec import Raw

from trio_gateway.hooks.http.breaker import FAILURES, LONGEST_PAUSE
from trio_gateway.hooks.http.caller import AWAY
from trio_gateway.hooks.http.exchange import MAX_ANSWER
from trio_gateway.hooks.results import RpcResult
from trio_gateway.model.errors import Disconnected, HookUnavailable, Refused
from trio_gateway.model.seldom import LOG_SECONDS

GONE = httpx.ConnectError("All connection attempts failed")


async def fails(caller, asked=RPC):
    """Ask, and tell how long it took until it failed."""
    started = trio.current_time()
    with pytest.raises(HookUnavailable):
        await caller.ask(asked)
    return trio.current_time() - started


async def kind_of_failure(answer, **options):
    """Ask once, and tell as what the failure is counted."""
    async with asking(answer, **options) as (caller, _):
        await fails(caller)
        (kind,) = [kind for kind, count in caller.statistics().failures.items() if count]
        return kind


class TestAnswers:
    async def test_a_result_is_given(self):
        async with asking(OK) as (caller, back_end):
            assert await caller.ask(RPC) == RpcResult(data=Raw(b"1"))

        assert (back_end.requests[0].method, str(back_end.requests[0].url)) == ("POST", URL)

    async def test_an_error_refuses(self):
        async with asking({"error": {"code": 1000, "message": "no", "temporary": True}}) as (caller, _):
            with pytest.raises(Refused) as refused:
                await caller.ask(RPC)

        code = refused.value.error_code
        assert (code.code, code.message, code.temporary) == (1000, "no", True)
        assert caller.statistics().refused == 1

    async def test_a_disconnect_ends_the_connection_and_beats_an_error(self):
        answer = {"error": {"code": 1000}, "disconnect": {"code": 4500, "reason": "bye"}}
        async with asking(answer) as (caller, _):
            with pytest.raises(Disconnected) as ended:
                await caller.ask(RPC)

        assert (ended.value.disconnect.code, ended.value.disconnect.reason) == (4500, "bye")

    @pytest.mark.parametrize("hook", ["refresh", "sub_refresh"])
    @pytest.mark.parametrize("answer", [{"error": {"code": 1000}}, response(429)], ids=["body", "status"])
    async def test_an_error_is_no_answer_to_a_refresh(self, answer, hook):
        transforms = [{"status_code": 429, "to_error": {"code": 429, "temporary": True}}]
        async with asking(answer, hook, status_to_code_transforms=transforms) as (caller, _):
            await fails(caller, REQUESTS[hook])

        assert caller.statistics().failures["answer"] == 1

    @pytest.mark.parametrize(
        "answer",
        [
            response(content=b""),
            response(content=b"<html>"),
            response(content=b"[" * 100_000),
            response(content=b"\xff"),
            {},
            {"result": None},
            {"result": {"data": 1, "b64data": "no base64"}},
            {"error": {"message": "no code"}},
            {"error": {"code": 2000}},
            {"error": {"code": 99}},
            {"disconnect": {"code": 1000}},
            {"disconnect": {"code": 5000}},
            {"disconnect": {"code": 4000, "reason": "x" * 124}},
            response(content=gzip.compress(b'{"result":{}}'), content_encoding="gzip"),
            response(content=b" " * (MAX_ANSWER + 1)),
        ],
        ids=str,
    )
    async def test_what_is_no_answer_is_the_back_ends_fault(self, answer):
        assert await kind_of_failure(answer) == "answer"

    @pytest.mark.parametrize("status", [200, 201, 202, 204])
    async def test_what_is_only_told_is_heard_by_any_status_that_says_so(self, status):
        async with asking(response(status, b"whatever"), "disconnected") as (caller, _):
            assert await caller.ask(REQUESTS["disconnected"]) is None

    @pytest.mark.parametrize("status", [302, 404, 500, 503])
    async def test_and_by_no_other(self, status):
        async with asking(response(status), "disconnected") as (caller, _):
            await fails(caller, REQUESTS["disconnected"])

    @pytest.mark.parametrize("status", [201, 204, 400, 401, 404, 500, 503])
    async def test_another_status_is_no_answer(self, status):
        assert await kind_of_failure(response(status, b"{}")) == "status"

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    async def test_no_redirect_is_followed(self, status):
        elsewhere = response(status, location="https://elsewhere.test/")
        async with asking(elsewhere) as (caller, back_end):
            await fails(caller)

        assert [request.url.host for request in back_end.requests] == ["app.test"]

    async def test_a_status_may_stand_for_an_error_or_a_disconnect(self):
        transforms = [
            {"status_code": 404, "to_error": {"code": 404, "message": "not found"}},
            {"status_code": 429, "to_error": {"code": 429, "message": "slower", "temporary": True}},
            {"status_code": 403, "to_disconnect": {"code": 4903, "reason": "denied"}},
        ]
        async with asking(None, status_to_code_transforms=transforms) as (caller, back_end):
            for status, expected in [(404, (404, "not found", False)), (429, (429, "slower", True))]:
                back_end.answer = response(status)
                with pytest.raises(Refused) as refused:
                    await caller.ask(RPC)
                assert attrs.astuple(refused.value.error_code) == expected
            back_end.answer = response(403)
            with pytest.raises(Disconnected) as ended:
                await caller.ask(RPC)

        assert attrs.astuple(ended.value.disconnect) == (4903, "denied")

    async def test_cookies_are_not_kept(self):
        async def answer(_request):
            return response(content=b'{"result":{}}', set_cookie="a=b; Path=/")

        async with asking(answer) as (caller, back_end):
            await caller.ask(RPC)
            await caller.ask(RPC)

        assert "cookie" not in back_end.requests[1].headers


class TestHeaders:
    async def sent(self, client=CLIENT, **options):
        async with asking(OK, **options) as (caller, back_end):
            await caller.ask(attrs.evolve(RPC, client=client))
        return back_end.requests[0].headers

    async def test_none_is_passed_on_unless_it_is_named(self):
        headers = await self.sent()

        assert sorted(headers) == [
            *("accept", "accept-encoding", "connection", "content-length", "content-type", "host", "user-agent")
        ]
        assert (headers["content-type"], headers["user-agent"]) == ("application/json", "trio-gateway")

    async def test_those_that_are_named_are(self):
        headers = await self.sent(http_headers=["Cookie", "X-Absent"], emulated_headers=["Authorization"])

        assert (headers["cookie"], headers["authorization"]) == ("session=1", "Bearer x")
        assert "x-absent" not in headers

    async def test_one_of_the_request_beats_one_that_the_client_wrote(self):
        assert (await self.sent(http_headers=["X-User"], emulated_headers=["X-User"]))["x-user"] == "of-the-proxy"
        assert (await self.sent(emulated_headers=["X-User"]))["x-user"] == "forged"

    async def test_static_ones_are_always_there(self):
        assert (await self.sent(static_headers={"X-Key": "k"}))["x-key"] == "k"

    async def test_bytes_above_ascii_stay_what_they_were(self):
        async with asking(OK, http_headers=["X-Latin"]) as (caller, back_end):
            await caller.ask(RPC)

        assert (b"x-latin", b"\xe9") in back_end.requests[0].headers.raw

    async def test_a_password_in_the_url_is_sent(self):
        assert (await self.sent(url="https://gate:way@app.test/"))["authorization"].startswith("Basic ")


class TestSlow:
    async def test_no_client_waits_longer_than_the_timeout(self, autojump_clock):
        async with asking(after(60), timeout=2) as (caller, _):
            assert await fails(caller) == 2
            assert caller.statistics().failures["timeout"] == 1

    async def test_what_is_in_time_is_an_answer(self, autojump_clock):
        async with asking(after(1.9), timeout=2) as (caller, _):
            assert await caller.ask(RPC)
            assert caller.statistics().seconds == pytest.approx(1.9)

    async def test_only_so_many_are_asked_at_once_and_the_others_wait_their_turn(self, autojump_clock):
        most = 0

        async def answer(_request):
            nonlocal most
            most = max(most, caller.statistics().in_flight)
            await trio.sleep(1)
            return OK

        async with asking(answer, timeout=60, max_concurrent=3) as (caller, _):
            async with trio.open_nursery() as nursery:
                for _ in range(9):
                    nursery.start_soon(caller.ask, RPC)
                await trio.sleep(0.5)
                statistics = caller.statistics()
                assert (statistics.in_flight, statistics.waiting) == (3, 6)

            assert most == 3
            assert trio.current_time() == pytest.approx(3)
            assert caller.statistics().in_flight == 0

    async def test_beyond_those_that_may_wait_a_request_fails_at_once(self, autojump_clock):
        async with asking(after(1), timeout=60, max_concurrent=1, max_waiting=2) as (caller, back_end):
            async with trio.open_nursery() as nursery:
                for _ in range(3):
                    nursery.start_soon(caller.ask, RPC)
                await trio.sleep(0.5)
                assert await fails(caller) == 0
                assert caller.statistics().failures["busy"] == 1

            assert len(back_end.requests) == 3

    async def test_the_wait_for_a_turn_counts(self, autojump_clock):
        async with asking(after(3), timeout=4, max_concurrent=1) as (caller, _), trio.open_nursery() as nursery:
            nursery.start_soon(caller.ask, RPC)
            await trio.sleep(0.5)
            assert await fails(caller) == 4

    async def test_a_flood_on_a_slow_back_end_is_refused_quickly_and_leaves_nothing(self, autojump_clock):
        async with asking(after(60), timeout=1, max_concurrent=10, max_waiting=20) as (caller, back_end):
            took = []

            async def ask():
                took.append(await fails(caller))

            async with trio.open_nursery() as nursery:
                for _ in range(1000):
                    nursery.start_soon(ask)
            statistics = caller.statistics()

        assert len(took) == 1000
        assert sorted(took)[969] == 0
        assert max(took) == 1
        assert (statistics.in_flight, statistics.waiting, statistics.breaker) == (0, 0, "open")
        assert len(back_end.requests) == 10

    async def test_a_client_that_goes_takes_its_request_with_it(self, autojump_clock):
        async with asking(after(60), timeout=100, max_concurrent=1) as (caller, _):
            with trio.move_on_after(1):
                await caller.ask(RPC)

            statistics = caller.statistics()
            assert (statistics.in_flight, statistics.breaker) == (0, "closed")
            assert sum(statistics.failures.values()) == 0


class TestGone:
    async def test_a_back_end_that_is_gone_is_not_asked_again_at_once(self, autojump_clock):
        async with asking(GONE) as (caller, back_end):
            for _ in range(FAILURES + 10):
                assert await fails(caller) == 0
            statistics = caller.statistics()

        assert len(back_end.requests) == FAILURES
        assert (statistics.failures["network"], statistics.failures["breaker"]) == (FAILURES, 10)
        assert statistics.breaker == "open"

    @pytest.mark.parametrize("status", sorted(AWAY))
    async def test_a_proxy_that_says_so_counts_as_gone(self, status, autojump_clock):
        async with asking(response(status)) as (caller, back_end):
            for _ in range(FAILURES + 10):
                await fails(caller)

        assert len(back_end.requests) == FAILURES

    async def test_nor_by_a_request_that_can_not_be_written(self, autojump_clock):
        async with asking(httpx.LocalProtocolError("Illegal header value")) as (caller, back_end):
            for _ in range(10 * FAILURES):
                await fails(caller)

        assert len(back_end.requests) == 10 * FAILURES

    async def test_one_of_which_nothing_was_sent_is_no_answer_to_the_trial(self, autojump_clock):
        async with asking(GONE) as (caller, back_end):
            for _ in range(FAILURES):
                await fails(caller)
            back_end.answer = httpx.LocalProtocolError("Illegal header value")
            await trio.sleep(LONGEST_PAUSE)
            await fails(caller)

            assert caller.statistics().breaker == "open"

    @pytest.mark.parametrize("error", [httpx.LocalProtocolError, httpx.RemoteProtocolError])
    async def test_what_stood_in_a_message_that_is_no_http_is_not_logged(self, error):
        with capture_logs() as lines:
            async with asking(error("Illegal header value b'secret '")) as (caller, _):
                await fails(caller)

        assert lines
        assert "secret" not in str(lines)

    @pytest.mark.parametrize("answer", [response(500), response(404), {"wrong": 1}, {"error": {"code": 1000}}])
    async def test_nobody_can_shut_out_others_by_what_they_ask(self, answer, autojump_clock):
        async with asking(answer) as (caller, back_end):
            for _ in range(10 * FAILURES):
                with pytest.raises((HookUnavailable, Refused)):
                    await caller.ask(RPC)

        assert len(back_end.requests) == 10 * FAILURES

    async def test_nor_by_more_than_are_answered_in_time(self, autojump_clock):
        async with asking(after(0.9), timeout=1, max_concurrent=10) as (caller, _):
            async with trio.open_nursery() as nursery:
                for _ in range(10):
                    nursery.start_soon(caller.ask, RPC)
                await trio.sleep(0.1)
                for _ in range(10):
                    nursery.start_soon(fails, caller)
            assert caller.statistics().failures["timeout"] == 10
            assert await caller.ask(RPC)

    async def test_nor_by_a_method_that_is_slow_while_others_are_answered(self, autojump_clock):
        async def answer(request):
            await trio.sleep(60 if b"report" in request.content else 0.3)
            return OK

        report = attrs.evolve(RPC, method="report")
        async with asking(answer, timeout=1) as (caller, _):
            for _ in range(10):
                async with trio.open_nursery() as nursery:
                    for _ in range(FAILURES):
                        nursery.start_soon(fails, caller, report)
                    await caller.ask(RPC)
            assert await caller.ask(RPC)

    async def test_one_that_comes_back_is_found_and_everybody_is_served(self, autojump_clock):
        async with asking(GONE) as (caller, back_end):
            for _ in range(FAILURES):
                await fails(caller)
            back_end.answer = OK
            await trio.sleep(LONGEST_PAUSE)

            assert await caller.ask(RPC)
            assert caller.statistics().breaker == "closed"

    async def test_while_one_tries_the_others_are_refused_at_once(self, autojump_clock):
        async with asking(GONE, timeout=10) as (caller, back_end):
            for _ in range(FAILURES):
                await fails(caller)
            back_end.answer = after(5)
            await trio.sleep(LONGEST_PAUSE)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(caller.ask, RPC)
                await trio.sleep(1)
                assert await fails(caller) == 0

            assert len(back_end.requests) == FAILURES + 1

    async def test_a_log_line_comes_now_and_then_and_one_when_it_is_over(self, autojump_clock):
        with capture_logs() as lines:
            async with asking(GONE) as (caller, back_end):
                for _ in range(100):
                    await fails(caller)
                    await trio.sleep(0.1)
                back_end.answer = OK
                await trio.sleep(LONGEST_PAUSE)
                await caller.ask(RPC)

        told = [line["event"] for line in lines if line.get("hook") == "rpc"]
        assert 1 <= told.count("a hook can't be asked") <= 2 + 10 / LOG_SECONDS
        assert told[-1] == "a hook answers again"
        assert not any("exc_info" in line for line in lines)

    async def test_one_that_fails_and_answers_in_turn_is_told_of_no_more_often(self, autojump_clock):
        with capture_logs() as lines:
            async with asking(GONE) as (caller, back_end):
                for _ in range(100):
                    back_end.answer = GONE
                    await fails(caller)
                    back_end.answer = OK
                    await caller.ask(RPC)

        assert [line["event"] for line in lines if line.get("hook")] == [
            "a hook can't be asked",
            "a hook answers again",
        ]

    @pytest.mark.parametrize("answer", [{"error": {"code": 1000}}, {"disconnect": {"code": 4500}}], ids=str)
    async def test_it_is_over_by_whatever_answer(self, answer):
        with capture_logs() as lines:
            async with asking(GONE) as (caller, back_end):
                await fails(caller)
                back_end.answer = answer
                with pytest.raises((Refused, Disconnected)):
                    await caller.ask(RPC)

        assert [line["event"] for line in lines if line.get("hook")] == [
            "a hook can't be asked",
            "a hook answers again",
        ]

    async def test_and_not_by_one_that_can_not_be_taken(self):
        with capture_logs() as lines:
            async with asking(GONE) as (caller, back_end):
                await fails(caller)
                back_end.answer = {"result": {"b64data": "no base64"}}
                await fails(caller)

        assert [line["event"] for line in lines if line.get("hook")] == ["a hook can't be asked"]

    async def test_the_client_learns_nothing_of_why(self):
        async with asking(GONE) as (caller, _):
            with pytest.raises(HookUnavailable, match=r"^the application can't be asked now$"):
                await caller.ask(RPC)


async def test_statistics_have_a_number_for_every_kind_of_failure():
    async with asking(OK) as (caller, _):
        await caller.ask(RPC)
        statistics = caller.statistics()

    assert statistics.calls == 1
    assert set(statistics.failures) == {"network", "timeout", "status", "answer", "busy", "breaker"}
    assert sum(statistics.failures.values()) == 0

"""One hook of a back end: asked within its time, by so many at once, and not while it is away.

Whatever goes wrong is HookUnavailable for the client, a count, and at most one line in the log in 10 s.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NoReturn

import attrs
import httpx
import msgspec
import trio

from trio_gateway.hooks.headers import choose
from trio_gateway.hooks.http.breaker import Breaker, Outcome
from trio_gateway.hooks.http.exchange import Headers, NothingSent, Response, post
from trio_gateway.hooks.http.results import read_answer
from trio_gateway.hooks.http.statistics import Counters, Failure, HookStatistics
from trio_gateway.model.codes import DisconnectCode
from trio_gateway.model.errors import Disconnected, HookUnavailable, Refused
from trio_gateway.model.logger import get_logger
from trio_gateway.model.reason import reason_of
from trio_gateway.model.seldom import Seldom
from trio_gateway.session.client import Client
from trio_gateway.settings.back_end import HookRules

AWAY: Final = frozenset({502, 503, 504})
"""Statuses by which a proxy in front says that the back end is away; a client can't provoke them by what it asks."""

log = get_logger(__name__)


@attrs.frozen
class Shape:
    """Say how a hook's request is written, and how its result is read; `read` raises ValueError.

    `refuses` tells whether an error is an answer: there is nobody to whom one about a refresh could be told.
    Where nothing `answers`, each status from 200 to 299 says that it was heard.
    """

    write: Callable[..., msgspec.Struct]
    read: Callable[[bytes], Any]
    refuses: bool = True
    answers: bool = True


class Caller:
    """Ask a back end for one hook, which is called `name`."""

    def __init__(self, name: str, rules: HookRules, shape: Shape) -> None:
        self._name = name
        self._rules = rules
        self._shape = shape
        self._client: httpx.AsyncClient | None = None
        self._slots = trio.Semaphore(rules.max_concurrent)
        self._breaker = Breaker()
        self._counters = Counters()
        self._passed = tuple(map(str.lower, rules.http_headers))
        self._emulated = tuple(map(str.lower, rules.emulated_headers))
        self._static = {name.lower(): value for name, value in rules.static_headers.items()}
        self._transforms = {one.status: one.outcome for one in rules.status_to_code_transforms}
        self._lines = Seldom()
        self._failing = False

    def use(self, client: httpx.AsyncClient) -> None:
        """Ask by this client from now on; before, nobody can be asked."""
        self._client = client

    def statistics(self) -> HookStatistics:
        """Show what came of the requests until now."""
        counters = self._counters
        return HookStatistics(
            calls=counters.calls,
            refused=counters.refused,
            failures=dict(counters.failures),
            seconds=counters.seconds,
            in_flight=self._rules.max_concurrent - self._slots.value,
            waiting=self._slots.statistics().tasks_waiting,
            breaker=self._breaker.state.value,
        )

    async def ask(self, asked: Any) -> Any:
        """Ask the back end; raises HookUnavailable, or the Refused or Disconnected that it answers."""
        self._counters.calls += 1
        self._check_room()
        deadline = trio.current_time() + self._rules.timeout
        waited = await self._wait_for_turn(deadline)
        try:
            response = await self._send(asked, deadline, silent=Outcome.ABANDONED if waited else Outcome.FAILED)
        finally:
            self._slots.release()
        try:
            result = self._shape.read(self._result_in(response))
        except (Refused, Disconnected):
            self._counters.refused += 1
            self._note_success()
            raise
        except ValueError as error:
            self._fail("answer", str(error))
        self._note_success()
        return result

    def _check_room(self) -> None:
        """Raise HookUnavailable at once where asking would only be a wait for nothing."""
        if self._breaker.refuses(trio.current_time()):
            self._fail("breaker", "it does not answer, and is asked again later")
        if not self._slots.value and self._slots.statistics().tasks_waiting >= self._rules.max_waiting:
            self._fail("busy", f"{self._rules.max_waiting} requests wait for it already")

    async def _wait_for_turn(self, deadline: float) -> bool:
        """Take a turn as soon as there is one, and tell whether that took time from the request."""
        with suppress(trio.WouldBlock):
            self._slots.acquire_nowait()
            return False
        with trio.move_on_at(deadline) as patience:
            await self._slots.acquire()
        if patience.cancelled_caught:
            self._fail("busy", f"{self._rules.max_concurrent} requests took longer than its timeout")
        return True

    async def _send(self, asked: Any, deadline: float, *, silent: Outcome) -> Response:
        """Send a request in its turn, and tell the breaker what came of it, however this ends: `silent` for no answer in time."""
        started, outcome = trio.current_time(), Outcome.ABANDONED
        ticket = self._breaker.begin(started)
        if ticket is None:
            self._fail("breaker", "it does not answer, and is asked again later")
        try:
            with trio.move_on_at(deadline):
                response = await self._post(asked)
                outcome = Outcome.FAILED if response.status in AWAY else Outcome.ANSWERED
                return response
            outcome = silent
            self._fail("timeout", f"no answer within {self._rules.timeout:g} s")
        except OSError as error:
            outcome = Outcome.FAILED
            self._fail("network", reason_of(error))
        except NothingSent as error:
            self._fail("answer", str(error))
        except ValueError as error:
            outcome = Outcome.ANSWERED
            self._fail("answer", str(error))
        finally:
            now = trio.current_time()
            self._breaker.note(ticket, outcome, now)
            self._counters.seconds += now - started if outcome is Outcome.ANSWERED else 0

    async def _post(self, asked: Any) -> Response:
        assert self._client is not None, "clients are served while the back end can be asked"
        body = msgspec.json.encode(self._shape.write(asked, meta=self._rules.include_connection_meta))
        return await post(self._client, self._rules.url, body, self._headers_for(asked.client))

    def _headers_for(self, client: Client) -> Headers:
        """Put the headers together: what a client could forge counts least but for the static ones, which it can't replace."""
        emulated, passed = choose(client.emulated_headers, self._emulated), choose(client.headers, self._passed)
        headers = {**self._static, **emulated, **passed}
        return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]

    def _result_in(self, response: Response) -> bytes:
        """Find the result; raises Refused or Disconnected, HookUnavailable for a status that means nothing else, ValueError."""
        if not self._shape.answers and httpx.codes.is_success(response.status):
            return b""
        try:
            if response.status != httpx.codes.OK:
                self._raise_status(response.status)
            return bytes(read_answer(response.body))
        except Refused as refused:
            if self._shape.refuses:
                raise
            raise ValueError(f"expected no error in answer to {self._name}, but {refused.code}") from refused

    def _raise_status(self, status: int) -> NoReturn:
        outcome = self._transforms.get(status)
        if outcome is None:
            self._fail("status", f"expected the status 200, not {status}")
        if isinstance(outcome, DisconnectCode):
            raise Disconnected(outcome)
        raise Refused(outcome.code, outcome.message, temporary=outcome.temporary)

    def _note_success(self) -> None:
        if self._failing:
            self._failing = False
            log.info("a hook answers again", hook=self._name)

    def _fail(self, failure: Failure, reason: str) -> NoReturn:
        """Count a failure, tell of it where the last line was long enough ago, and raise HookUnavailable."""
        self._counters.failures[failure] += 1
        if requests := self._lines.count(trio.current_time()):
            self._failing = True  # what was told is told to be over; no more often than that
            log.warning("a hook can't be asked", hook=self._name, reason=reason, requests=requests)
        raise HookUnavailable("the application can't be asked now")  # why is for the log, and for nobody outside

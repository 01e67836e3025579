"""What the paths of the admin port answer."""

from __future__ import annotations

import attrs
import pytest

from tests.admin.asking import HEALTHY, ask, sick
from trio_gateway.hooks.http.statistics import FAILURES, HookStatistics
from trio_gateway.model.valkey_health import ValkeyHealth


async def test_live_answers_whatever_the_broker_does():
    answer = await ask("/health/live", health=sick("Redis is away"))
    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


async def test_ready_answers_200_when_nothing_stands_against_it():
    answer = await ask("/health/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


async def test_not_ready_is_503_with_the_brokers_reasons():
    answer = await ask("/health/ready", health=sick("Redis is away", "the feed is deaf"))
    assert answer.status_code == 503
    assert answer.json() == {"status": "not ready", "reasons": ["Redis is away", "the feed is deaf"]}


async def test_a_draining_node_is_not_ready():
    answer = await ask("/health/ready", health=attrs.evolve(HEALTHY, draining=True))
    assert (answer.status_code, answer.json()["reasons"]) == (503, ["draining"])


async def test_health_shows_the_numbers():
    assert (await ask("/health")).json() == {
        "version": "1.2.3",
        "uptime": 61.5,
        "connections": 3,
        "subscriptions": 5,
        "broker": {"round_trip": 0.00042, "feed_age": 0.25, "reasons": []},
        "draining": False,
    }


async def test_health_shows_what_came_of_each_hook_where_there_are_any():
    failures = dict.fromkeys(FAILURES, 0) | {"timeout": 2}
    rpc = HookStatistics(
        calls=9, refused=1, failures=failures, seconds=0.12345678, in_flight=3, waiting=0, breaker="closed"
    )
    answer = await ask("/health", health=attrs.evolve(HEALTHY, hooks={"rpc": rpc}))
    assert answer.json()["hooks"] == {
        "rpc": {
            "calls": 9,
            "refused": 1,
            "failures": {"network": 0, "timeout": 2, "status": 0, "answer": 0, "busy": 0, "breaker": 0},
            "seconds": 0.123457,
            "in_flight": 3,
            "waiting": 0,
            "breaker": "closed",
        }
    }


async def test_health_shows_the_embedded_valkey_where_there_is_one():
    valkey = ValkeyHealth(running=False, restarts=2, pid=None, since=1_700_000_000.0)
    answer = await ask("/health", health=attrs.evolve(HEALTHY, valkey=valkey))
    assert answer.json()["valkey"] == {"running": False, "restarts": 2, "pid": None, "since": 1_700_000_000.0}


async def test_what_was_not_measured_yet_is_null():
    broker = (await ask("/health", health=sick("starting"))).json()["broker"]
    assert broker == {"round_trip": None, "feed_age": None, "reasons": ["starting"]}


@pytest.mark.parametrize("path", ["/", "/try.json", "/health", "/health/live", "/health/ready", "/nowhere"])
async def test_nothing_is_kept_by_caches(path):
    assert (await ask(path)).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/health", "/health/live", "/health/ready"])
async def test_head_answers_as_get_does_without_a_body(path):
    answer = await ask(path, method="HEAD")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_an_unknown_path_is_404_in_json():
    answer = await ask("/nowhere")
    assert (answer.status_code, answer.json()) == (404, {"status": "Not Found"})


async def test_other_methods_are_405_in_json():
    answer = await ask("/health", method="POST")
    assert (answer.status_code, answer.json()) == (405, {"status": "Method Not Allowed"})
    assert "GET" in answer.headers["allow"]

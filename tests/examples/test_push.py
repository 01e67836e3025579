"""The programs of examples/push do what their README says: each notification once on each device, whatever happens."""

from __future__ import annotations

import os
import signal

import pytest
from e2e.gateway_process import until
from e2e.stock_client import dial
from examples.pushing import PROGRAMS

from trio_gateway import AsyncPublisher

DONE, FAILED, MISUSED, REFUSED, INTERRUPTED = 0, 1, 2, 3, 130

MANY = 600
"""More than any of the programs publishes before the test has stopped it."""


def many(*users: str) -> list[tuple[str, str]]:
    return [(f"n{number}", users[number % len(users)]) for number in range(MANY)]


def ids_of(notifications: list[tuple[str, str]], user: str) -> list[str]:
    return [id for id, to in notifications if to == user]


async def test_each_device_gets_each_notification_once_and_in_order(job, place):
    user, other = place.new_user(), place.new_user()
    job.write(("one", user), ("two", user), ("three", other), ("four", user))

    async with place.device(user, "phone") as phone, place.device(user, "laptop") as laptop:
        assert await job.run() == DONE

        assert await phone() == await laptop() == ["one", "two", "four"]
    assert await place.heard(other) == ["three"]
    assert job.said == "push: 4 of 4 done\n"


async def test_what_is_done_is_not_pushed_again(job, place):
    user = place.new_user()
    job.write(("one", user))
    await job.run()
    job.write(("one", user), ("two", user))

    assert await job.run() == DONE
    assert job.said == "push: 1 of 1 done\n"
    assert await place.heard(user) == ["one", "two"]


async def test_what_one_program_published_and_did_not_mark_no_other_publishes_again(make_job, place):
    """The keys of all three are those of the contract, or the store would not know the ids."""
    user = place.new_user("{50%} ü ")
    for name in PROGRAMS:
        job = make_job(name)
        job.write(("one {%}", user), ("two", user))
        assert await job.run() == DONE

    assert await place.heard(user) == ["one {%}", "two"]


async def test_a_job_that_was_killed_goes_on_with_what_is_left(job, place):
    """It waits for answers when it is killed: that batch was published, and is not marked."""
    user, other = place.new_user(), place.new_user()
    notifications = many(user, other)
    job.write(*notifications)
    job.start()
    await job.gets_going()
    place.valkey.pause()
    job.close()
    place.valkey.resume()
    assert len(job.done) < MANY

    assert await job.run() == DONE
    assert await place.heard(user) == ids_of(notifications, user)
    assert await place.heard(other) == ids_of(notifications, other)


async def test_an_answer_that_never_came_is_asked_for_again_and_nothing_comes_twice(make_job, place):
    """All three at once: each waits for some seconds."""
    jobs = {place.new_user(): make_job(name) for name in PROGRAMS}
    for user, job in jobs.items():
        job.write(*many(user))
        job.start()
        await job.gets_going()
        job.signal(signal.SIGSTOP)
    place.valkey.pause()
    try:
        for job in jobs.values():
            job.signal(signal.SIGCONT)
        for job in jobs.values():
            await until(lambda job=job: "push: trying again: " in job.said)
    finally:
        place.valkey.resume()

    for user, job in jobs.items():
        assert await job.wait() == DONE, job.said
        assert await place.heard(user) == ids_of(many(user), user)


async def test_a_user_may_have_any_name(job, place):
    users = [place.new_user(name) for name in ("{7}", "50%", "%7B7}", "ünïcödé 🚀", "a:b {c", "#")]
    job.write(*((f"n{number}", user) for number, user in enumerate(users)))

    assert await job.run() == DONE
    for number, user in enumerate(users):
        assert await place.heard(user) == [f"n{number}"]


async def test_what_is_refused_is_told_and_the_others_go_on(job, place):
    user, long = place.new_user(), "x" * 129
    job.write(("one", user), (long, user), ("two", user), ("three", place.new_user()))
    job.add("large", place.new_user(), body="x" * 2_000_000)

    assert await job.run() == REFUSED
    assert f"push: {long} is refused: " in job.said
    assert "push: large is refused: " in job.said
    assert job.said.endswith("push: 3 of 5 done, 2 refused\n")
    assert sorted(job.done) == ["one", "three", "two"]
    assert await place.heard(user) == ["one", "two"]


async def test_texts_arrive_as_they_were_written(job, place):
    user, body = place.new_user(), '<b> & "quotes" \n ü 🚀 \u2028 \\'
    job.add("one", user, body=body)
    await job.run()

    async with dial(place.gateway.url(user=user, since=0)) as client:
        assert (await client.receive("message"))["data"] == {"title": "t", "body": body}


async def test_half_a_line_among_the_done_is_none(job, place):
    """A power cut can leave one behind: `n1` of `n10`."""
    user = place.new_user()
    job.write(("n1", user), ("n10", user))
    job.marks.write_text("other\nn1")

    assert await job.run() == DONE
    assert job.done == ["other", "n1", "n10"]
    assert await place.heard(user) == ["n1", "n10"]


async def test_where_a_mark_can_not_be_written_it_says_run_it_again(job, place):
    """A disk that is full takes a part of the line at most; what was published is so all the same."""
    user = place.new_user()
    job.write(("one", user), ("two", user))
    job.marks.write_text(1000 * "other\n")

    assert await job.run(largest_file=6002) == FAILED
    assert job.said.startswith("push: error: ")
    assert "file too large" in job.said.lower()
    assert str(job.marks) in job.said
    assert job.said.count("\n") == 1

    assert await job.run() == DONE
    assert job.done == [*1000 * ["other"], "one", "two"]
    assert await place.heard(user) == ["one", "two"]


async def test_it_cuts_nothing_off_what_another_job_may_be_marking(job, place):
    """Cutting where the last line is whole would cut off what is marked between reading and cutting."""
    user = place.new_user()
    job.write(("one", user))
    job.marks.write_text("one\n")
    os.utime(job.marks, (0, 0))

    assert await job.run() == DONE
    assert job.marks.stat().st_mtime == 0


@pytest.mark.parametrize("patience", ["", " ", "300", "nan"])
async def test_a_patience_that_is_none_is_refused(make_job, patience):
    for name in PROGRAMS:
        job = make_job(name)
        job.write(("one", "never"))

        assert await job.run("--redis-url", "unix:///nowhere/socket", "--patience", patience, str(job.list)) == MISUSED


@pytest.mark.parametrize("name", ["node", "go"])
async def test_where_no_gateway_has_been_yet_one_line_says_so(make_job, empty_store, name):
    job = make_job(name, empty_store.url)
    job.write(("one", "7"))

    assert await job.run() == FAILED
    assert job.said == "push: error: no gateway has been connected to this store yet: start one, then run this again\n"
    assert job.done == []


async def test_where_there_is_no_store_one_line_says_so_in_the_end(job):
    job.write(("one", "7"))

    assert await job.run("--redis-url", "unix:///nowhere/socket", "--patience", "0", str(job.list)) == FAILED
    assert "push: error: gave up after 0" in job.said.splitlines()[-1]
    assert "Traceback" not in job.said
    assert job.done == []


async def test_ctrl_c_ends_it_at_once(job):
    job.write(("one", "7"))
    job.start("--redis-url", "unix:///nowhere/socket", str(job.list))
    await until(lambda: "push: trying again: " in job.said)
    job.signal(signal.SIGINT)

    assert await job.wait() == INTERRUPTED
    assert job.said.splitlines()[-1] == "push: interrupted; run it again for the rest"


@pytest.mark.parametrize(
    "line",
    [
        '{"id": "x", "user": "7", "title": "t"',
        '{"id": "x", "user": 7, "title": "t", "body": "b"}',
        '{"id": "one", "user": "7", "title": "t", "body": "b"}',
    ],
)
async def test_a_wrong_list_is_told_by_its_line_before_anything_is_published(make_job, line):
    for name in PROGRAMS:
        job = make_job(name)
        job.write(("one", "never"))
        job.list.write_text(job.list.read_text() + line)

        assert await job.run() == MISUSED
        assert job.said.startswith(f"push: error: {job.list}:2: ")
        assert job.said.count("\n") == 1
        assert job.done == []


@pytest.mark.parametrize("options", [["--patience", "300", "x"], ["--redis-url", "x", __file__]])
async def test_wrong_arguments_end_it_with_2(make_job, options):
    for name in PROGRAMS:
        job = make_job(name)
        assert await job.run(*options) == MISUSED


async def test_help_tells_the_exit_codes(job):
    assert await job.run("--help") == DONE
    assert "Exit codes: 0 all are done, 1 " in job.said


async def test_the_python_program_brings_the_functions_itself(make_job, empty_store):
    """So that it can be first: a gateway that comes later delivers what was published."""
    job = make_job("python", empty_store.url)
    job.write(("one", "7"))

    assert await job.run() == DONE
    async with AsyncPublisher(empty_store.url) as publisher:
        assert (await publisher.send_to_user("7", {}, id="one")).offset == 1

"""Of what happens often there is a line now and then, and none of it is left uncounted."""

from trio_gateway.model.seldom import LOG_SECONDS, Seldom


def test_the_first_is_told_at_once_and_the_others_together():
    seldom = Seldom()

    assert [seldom.count(now) for now in (0, 1, LOG_SECONDS - 1, LOG_SECONDS, LOG_SECONDS + 1)] == [1, 0, 0, 3, 0]

"""The code in the README and the docs runs: each page is one test file, each block one test, in order.

tests/docs/page.py says what a block means, by its language. Run them by `nox -s docs`: they need the
default ports, and the README's first line installs the gateway for real.

And what all tests need: Ctrl-C, which a shell has its background jobs ignore, and they hand that down; and property
tests without a time limit, since how long an example takes says something about the machine, not about the code.
"""

from __future__ import annotations

import signal
from functools import partial

import hypothesis
from docs.page import EVALUATORS, Page
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, SkipParser
from sybil.sybil import SybilCollection

NAME = "page"


def open_page(namespace: dict[str, object], *, clone: bool) -> None:
    namespace[NAME] = Page(clone=clone)


def close_page(namespace: dict[str, Page]) -> None:
    namespace[NAME].close()


def evaluate(example: Example, *, language: str) -> None:
    EVALUATORS[language](example.namespace[NAME], example)


def pages(pattern: str, *, clone: bool, exclude: str | None = None) -> Sybil:
    blocks = [CodeBlockParser(each, partial(evaluate, language=each)) for each in EVALUATORS]
    return Sybil(
        [SkipParser(), *blocks],
        pattern=pattern,
        exclude=exclude,
        setup=partial(open_page, clone=clone),
        teardown=close_page,
    )


CLIENTS = "clients/*/README.md"
project = pages("README.md", clone=True, exclude=CLIENTS)  # a pattern without a folder would mean those as well
pytest_collect_file = SybilCollection([project, pages("docs/*.md", clone=False), pages(CLIENTS, clone=False)]).pytest()

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")

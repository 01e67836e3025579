"""`trio-gateway config` shows, checks or teaches the configuration; it never shows a secret."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from trio_gateway.cli.flags import takes_settings
from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings.reference import effective, example
from trio_gateway.settings.settings import Settings


@takes_settings()
def config(
    *,
    example_: Annotated[
        bool,
        Parameter(
            name="--example",
            negative=(),
            show_default=False,
            help="Print a TOML file with every option and its default.",
        ),
    ] = False,
    check: Annotated[
        bool, Parameter(negative=(), show_default=False, help="Only say whether the configuration is valid.")
    ] = False,
    settings: Settings,
) -> None:
    """Print the configuration in effect, as TOML; secrets are ***.

    Give it the flags, the environment and the file that `serve` gets.
    """
    if example_ and check:
        raise ConfigurationError("--example and --check: expected at most one of them")
    print("configuration is valid" if check else example() if example_ else effective(settings), end="\n" * check)  # noqa: T201

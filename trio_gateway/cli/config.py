"""`trio-gateway config` shows, checks or teaches the configuration; it never shows a secret."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter

from trio_gateway.admin.listening import check_ports
from trio_gateway.cli.flags import settings_of, takes_flags
from trio_gateway.cli.identity import check_identity
from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings.reference import effective, example


@takes_flags()
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
    flags: Any = None,
) -> None:
    """Print the configuration in effect, as TOML; secrets are ***.

    Give it the flags, the environment and the file that `serve` gets.
    """
    if example_ and check:
        raise ConfigurationError("--example and --check: expected at most one of them")
    if example_:
        # Before anything is read: this is where a file that is missing comes from.
        print(example(), end="")  # noqa: T201
        return
    settings = settings_of(flags)
    check_ports(settings)
    if check:
        check_identity(settings)
        settings.namespaces.check_hooks(name for name, _rules in settings.back_end.given())
    print("configuration is valid\n" if check else effective(settings), end="")  # noqa: T201

"""`trio-gateway api` calls a method of the HTTP API of a gateway, and prints its result."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

from cyclopts import Parameter

from trio_gateway.api.sentences import SENTENCES
from trio_gateway.cli.admin_port import OK, AdminPort
from trio_gateway.cli.flags import settings_of, takes_flags
from trio_gateway.cli.local import find_api_key
from trio_gateway.model.errors import ConfigurationError, GatewayError, RequestError
from trio_gateway.settings.names import suggestion
from trio_gateway.settings.program import program_name

STDIN = "-"
TIMEOUT = 30.0
"""Seconds; a batch or a long history takes its time."""

SHOWN = 200
"""Characters of the gateway's own words."""

UNAUTHORIZED, INTERNAL_ERROR = 401, 100
BLAMED_ON_JSON = (400, 413)
EXPECTED = "expected JSON: "
"""How the gateway begins, where the name of the argument says so already."""

EXAMPLE = '{"channel": "news"}'
LISTING = "\n".join(f"  {name:<20}{sentence}" for name, sentence in SENTENCES.items())

HELP = """Call a method of a running gateway's HTTP API.

Prints the result as JSON. Without a METHOD it lists them:

{listing}

On the machine of `trio-gateway serve` it needs no further option:

  trio-gateway api info
  trio-gateway api publish '{{"channel": "news", "data": 1}}'
  trio-gateway api batch - < commands.json

The fields of each are at /api/docs of the admin port.
"""


class CallFailed(GatewayError):
    """Tell that the gateway's store is away."""


class CallRefused(RequestError):
    """Tell that the gateway refused the request."""


def _check_method(_type: Any, name: str | None) -> None:
    if name is not None and name not in SENTENCES:
        listed = f" ({program_name()} api lists them)"
        raise ConfigurationError(f"METHOD: there is no {name[:80]!r}{suggestion(name, SENTENCES)}{listed}")


@takes_flags("admin_host", "admin_port", "api_keys", "data_dir")
def api(
    method: Annotated[
        str | None, Parameter(validator=_check_method, show_default=False, help="What to call, such as publish.")
    ] = None,
    request: Annotated[
        str,
        Parameter(
            name="JSON",
            allow_leading_hyphen=True,
            show_default=False,
            help="The request, or - to read it from stdin. [default: {}]",
        ),
    ] = "{}",
    /,
    *,
    flags: Any = None,
) -> None:
    """Stand for HELP, which is put here below."""
    settings = settings_of(flags)
    if method is None:
        print(LISTING)  # noqa: T201
        return
    port = AdminPort.of(settings, TIMEOUT)
    body = _checked(sys.stdin.read() if request == STDIN else request).encode()
    status, text = port.ask("POST", f"/api/{method}", body, key=find_api_key(settings))
    print(_written(_result(status, text, port)))  # noqa: T201


api.__doc__ = HELP.format(listing=LISTING)


def _checked(request: str) -> str:
    """Return the request; raises ConfigurationError for what is no JSON, before anything is asked of the gateway."""
    try:
        json.loads(request)
    except RecursionError:
        pass  # the gateway has words for that
    except ValueError as error:
        raise ConfigurationError(f"JSON: expected a JSON object, such as {EXAMPLE}: {error}") from None
    return request


def _result(status: int, text: str, port: AdminPort) -> Any:
    """Take the result out of an answer; raises an error for any other answer."""
    if status == UNAUTHORIZED:
        raise ConfigurationError("--api-key: expected one of the gateway's api_keys; it was missing, or is another")
    if status in BLAMED_ON_JSON:
        raise ConfigurationError(f"JSON: {text[:SHOWN].removeprefix(EXPECTED)}")
    answer = _read_object(text)
    if status != OK or answer is None:
        raise port.strange(status, "API")
    if "error" in answer:
        raise _refusal(answer["error"])
    return answer.get("result", answer)


def _read_object(text: str) -> dict[str, Any] | None:
    try:
        answer = json.loads(text)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _refusal(error: dict[str, Any]) -> GatewayError:
    detail = f": {error['detail']}" if error.get("detail") else ""
    words = f"{error.get('code')} {error.get('message')}{detail}"
    return CallFailed(words) if error.get("code") == INTERNAL_ERROR else CallRefused(words)


def _written(result: Any) -> str:
    if sys.stdout.isatty():
        return json.dumps(result, indent=2, ensure_ascii=False)
    return json.dumps(result, separators=(",", ":"), ensure_ascii=False)

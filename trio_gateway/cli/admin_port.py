"""The commands that ask a running gateway speak HTTP to its admin port, and to nobody in between."""

from __future__ import annotations

import attrs

from trio_gateway.cli.local import authority
from trio_gateway.model.errors import GatewayError
from trio_gateway.model.reason import reason_of
from trio_gateway.settings.settings import Settings

OK = 200


class NoAnswer(GatewayError):
    """Tell that the admin port gives no answer, or one that no gateway gives."""


@attrs.frozen
class AdminPort:
    """Know where the admin port is, and wait for its answers up to `timeout` seconds."""

    where: str
    timeout: float

    @classmethod
    def of(cls, settings: Settings, timeout: float) -> AdminPort:
        """Find the admin port of some settings, as it is reached from this machine."""
        return cls(authority(settings.admin_host, settings.admin_port), timeout)

    def ask(
        self, method: str, path: str, body: bytes | None = None, *, key: str | None = None, longest: int | None = None
    ) -> tuple[int, str]:
        """Return the status and the text of an answer, of which `longest` bytes at most; raises NoAnswer.

        `key` is one of the HTTP API.
        """
        # http.client, not urllib: a proxy from the environment has no business here.
        import http.client  # noqa: PLC0415 (takes its time to import)

        connection = http.client.HTTPConnection(self.where, timeout=self.timeout)
        try:
            connection.request(method, path, body, {"X-API-Key": key.encode()} if key else {})
            response = connection.getresponse()
            return response.status, response.read(longest).decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(f"no answer from http://{self.where}{path}: {reason_of(error)}") from error
        finally:
            connection.close()

    def strange(self, status: int, part: str) -> NoAnswer:
        """Make the error for an answer that this `part` of a gateway does not give."""
        return NoAnswer(f"http://{self.where} answers with HTTP status {status}, and not as a gateway's {part} does")

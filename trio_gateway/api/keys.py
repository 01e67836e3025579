"""Who calls the API must show a key; all keys are compared, each in constant time, so that none can be guessed bit by bit."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

import attrs
from starlette.requests import Request

from trio_gateway.model.logger import get_logger

SCHEME = "apikey"
FOREIGN = ("cross-site", "same-site")
"""What a browser says of requests by the page of another site (Sec-Fetch-Site)."""

log = get_logger(__name__)


@attrs.define
class Keys:
    """Judge calls by the keys that open the API; with `insecure` none is needed. Without either it is closed."""

    keys: Sequence[str] = attrs.field(repr=False)
    insecure: bool = False
    _told: bool = False

    def allow(self, request: Request) -> bool:
        """Tell whether a call is allowed; a closed API says why in the log, once."""
        if self.insecure:
            # A page of any site can have a browser on this machine post here.
            return request.headers.get("sec-fetch-site") not in FOREIGN
        if not self.keys:
            self._tell()
        return self._knows(shown_key(request))

    def _knows(self, shown: bytes) -> bool:
        # Every one is compared: which of them it was is nobody's business either.
        found = [hmac.compare_digest(shown, key.encode()) for key in self.keys]
        return any(found) and bool(shown)

    def _tell(self) -> None:
        if not self._told:
            log.warning("the HTTP API was called and is closed: no api_keys are set")
        self._told = True


def shown_key(request: Request) -> bytes:
    """Take the key out of a request: of X-API-Key, Authorization and `?api_key=` the first that is there; else empty."""
    if key := request.headers.get("x-api-key"):
        return key.encode("latin-1")
    scheme, _blank, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == SCHEME and key:
        return key.strip().encode("latin-1")
    return request.query_params.get("api_key", "").encode("utf-8", "surrogatepass")

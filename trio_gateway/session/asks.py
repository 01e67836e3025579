"""What the application is asked about: which of its hooks there are, as a session needs to know it."""

from __future__ import annotations

from typing import Final

import attrs


@attrs.frozen(kw_only=True)
class Asks:
    """Tell what the application takes: messages and calls, and whether it prolongs connections that expire.

    What it is asked about in a channel says the channel's namespace.
    """

    messages: bool = False
    calls: bool = False
    refreshes: bool = False


NOTHING: Final = Asks()

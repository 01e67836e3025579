"""What people are told to type is what works for them: in a virtual environment that is not activated, the path they typed."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

NAME = "trio-gateway"


def program_name() -> str:
    """Name the command line as a shell finds it: `trio-gateway`, or how it was called where the PATH leads elsewhere."""
    called = Path(sys.argv[0])
    if called.name != NAME:
        return NAME  # an application that embeds the gateway
    found = shutil.which(NAME)
    on_path = found is not None and Path(found).resolve() == called.resolve()
    return NAME if on_path or called == Path(NAME) else shlex.quote(str(called))

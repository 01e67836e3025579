"""Data of a publication is JSON text; from Python values it is made here, and nowhere else."""

from __future__ import annotations

import json

from trio_gateway.model.errors import InvalidData


def encode_json(value: object) -> bytes:
    """Write a JSON-able Python value as compact JSON text in UTF-8.

    Raises InvalidData for what JSON can't say: NaN and infinities, lone surrogates, circles, other types.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidData(f"the data can't be written as JSON: {error}") from error

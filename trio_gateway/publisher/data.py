"""Data that a back end hands over: any JSON-able value, or JSON that it has written already."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from trio_gateway.model.errors import InvalidData
from trio_gateway.model.json_data import encode_json


@attrs.frozen
class EncodedJson:
    """Mark `text` as JSON in UTF-8 that is published as it is; the store refuses what is not."""

    text: bytes


def encode_data(data: object) -> bytes:
    """Write data as JSON text in UTF-8; raises InvalidData for what JSON can't say (NaN, circles, other types)."""
    return data.text if isinstance(data, EncodedJson) else encode_json(data)


def encode_tags(tags: Mapping[str, str]) -> bytes:
    """Write tags as a JSON object; raises InvalidData where a name or a value is no text."""
    if not all(isinstance(part, str) for pair in tags.items() for part in pair):
        raise InvalidData("tags have names and values that are text")
    return encode_json(dict(tags))

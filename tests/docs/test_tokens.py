"""The tables of docs/tokens.md name the claims that are read, and the keys that are taken."""

from __future__ import annotations

import re

import attrs
from docs.markdown import ROOT, table_under

from trio_gateway.session import claims_reader, keys, options
from trio_gateway.session.claims_reader import MAX_SUBSCRIPTIONS
from trio_gateway.session.jwk import MAX_KEYS
from trio_gateway.session.key_ring import MAX_TRIED
from trio_gateway.settings.settings import Settings

PAGE = ROOT / "docs" / "tokens.md"
TEXT = PAGE.read_text(encoding="utf-8")


def names(cell):
    return set(re.findall(r"\w+", cell.replace("`", " ")))


def first_cells(heading):
    return set().union(*(names(row[0]) for row in table_under(PAGE, heading)))


def test_the_claims_of_connection_tokens_are_those_that_are_read():
    assert first_cells("Connection tokens") == set(claims_reader._Connection.__struct_fields__)


def test_the_claims_of_subscription_tokens_are_those_that_are_read():
    assert first_cells("Subscription tokens") == set(claims_reader._Subscription.__struct_fields__)


def test_the_options_that_a_token_overrides_are_those_that_are_read():
    (line,) = [line for line in TEXT.splitlines() if line.startswith("`override` knows ")]

    assert set(re.findall(r"`(\w+)`", line)) - {"override"} == set(options.OverrideOptions.__struct_fields__)


def test_the_options_for_keys_are_those_of_the_settings():
    assert first_cells("Keys") <= {field.name for field in attrs.fields(Settings)}


def test_the_algorithms_are_those_that_are_taken():
    shown = set(re.findall(r"\b[HERP]S\d{3}\b|\bEdDSA\b", " ".join(row[2] for row in table_under(PAGE, "Keys"))))

    assert shown | {"RS384", "PS384"} == {*keys.HMAC, *keys.PUBLIC}


def test_the_bounds_are_those_of_the_code():
    assert f"at most {MAX_SUBSCRIPTIONS:,} channels" in TEXT
    assert f"{MAX_KEYS} keys at most" in TEXT
    assert MAX_TRIED == 10
    assert "ten keys at most" in TEXT

"""The secrets of the chat: each is of its own, kept, and its owner's alone."""

from __future__ import annotations

import stat

import msgspec
import pytest

from examples.chat.keys import load_keys


def test_they_are_made_once_and_kept(tmp_path):
    keys = load_keys(tmp_path)

    assert load_keys(tmp_path) == keys
    assert len(set(msgspec.structs.astuple(keys))) == 3
    assert min(map(len, msgspec.structs.astuple(keys))) >= 32


def test_nobody_else_may_read_them(tmp_path):
    load_keys(tmp_path)
    (file,) = tmp_path.iterdir()

    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_broken_file_is_named(tmp_path):
    (tmp_path / "keys.json").write_text('{"token_secret": "x"}')

    with pytest.raises(ValueError, match=r"keys\.json is broken .*api_key"):
        load_keys(tmp_path)

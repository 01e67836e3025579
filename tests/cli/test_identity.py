"""Nobody is served who can't be told apart, unless that was wished for."""

from __future__ import annotations

import pytest

from trio_gateway.cli.identity import with_identity
from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings.settings import Settings


def test_insecure_where_others_can_connect_warns(capsys: pytest.CaptureFixture[str]) -> None:
    with_identity(Settings(host="0.0.0.0", insecure=True))
    assert capsys.readouterr().err.startswith("trio-gateway: warning: --insecure with --host 0.0.0.0")


def test_a_short_secret_warns_without_showing_it(capsys: pytest.CaptureFixture[str]) -> None:
    with_identity(Settings(token_secret="hush"))
    error = capsys.readouterr().err
    assert "shorter than 32 bytes" in error
    assert "hush" not in error


def test_without_identity_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError):
        with_identity(Settings(host="0.0.0.0"))

"""What people read about the options is made from the options, and is true."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import attrs

from trio_gateway.settings.back_end import BackEndRules, HookRules
from trio_gateway.settings.loader import load_settings
from trio_gateway.settings.option import options_of
from trio_gateway.settings.reference import effective, example, page
from trio_gateway.settings.settings import Settings
from trio_gateway.settings.tables import read_back_end

SECRETS = ("token_secret", "token_previous_secret", "subscription_token_secret")
DOCS = Path(__file__).parents[2] / "docs"


def uncommented(text: str) -> str:
    return re.sub(r"^# (\[|\w+ = )", r"\1", text, flags=re.MULTILINE)


def test_what_is_in_effect_is_toml_whatever_a_value_says() -> None:
    url = "unix:///srv/data_dir/redis.sock"
    assert tomllib.loads(effective(Settings(redis_url=url)))["redis_url"] == url


def test_the_docs_page_is_the_generated_one() -> None:
    """After a change: `python -m trio_gateway.settings.reference > docs/configuration.md`."""
    assert (DOCS / "configuration.md").read_text("utf-8") == page()


def test_the_docs_page_has_every_flag() -> None:
    text = page()
    assert all(f"| `{field.name}` |" in text for field, _option in options_of(Settings))


def test_the_example_changes_nothing_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "example.toml").write_text(example())
    assert load_settings(toml_path=tmp_path / "example.toml") == Settings()


def test_the_example_holds_every_option_and_nothing_unknown(tmp_path: Path) -> None:
    toml = tmp_path / "example.toml"
    toml.write_text(uncommented(example()))
    assert set(tomllib.loads(toml.read_text())) == {field.name for field, _ in options_of(Settings)} | {
        "inbox",
        "channel",
        "hooks",
    }
    load_settings(toml_path=toml)


def test_the_examples_values_are_the_defaults_where_there_are_any() -> None:
    values = tomllib.loads(uncommented(example()))
    defaults = {field.name: (option, field.default) for field, option in options_of(Settings)}
    for name, (option, default) in defaults.items():
        assert default in (None, ()) or option.kind.read(values[name]) == default


def test_what_is_in_effect_reads_as_the_same_settings(tmp_path: Path) -> None:
    toml = tmp_path / "gateway.toml"
    toml.write_text(
        'port = 1\nallowed_origins = ["https://a"]\ndrain_seconds = "90s"\nredis_url = "redis://db"\n'
        '[[channel.namespaces]]\nname = "news"\nhistory_ttl = "1h"\n[inbox]\nhistory_size = 3'
    )
    settings = load_settings(toml_path=toml)
    toml.write_text(effective(settings))
    assert load_settings(toml_path=toml) == settings


def test_every_value_that_is_not_the_default_comes_back_as_it_was(tmp_path: Path) -> None:
    toml = tmp_path / "gateway.toml"
    toml.write_text(uncommented(example()).replace("false", "true").replace('"stream"', '"cache"'))
    before = load_settings(toml_path=toml)
    hidden = {field.name: getattr(before, field.name) for field, option in options_of(Settings) if option.hide}
    toml.write_text(effective(before))
    shown = load_settings({"api_keys": ["k"], **dict.fromkeys(SECRETS, "s")}, toml_path=toml)
    assert attrs.evolve(shown, **hidden) == before


def test_a_key_of_several_lines_comes_back_as_it_was(tmp_path: Path) -> None:
    key = "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----"
    toml = tmp_path / "gateway.toml"
    toml.write_text(effective(Settings(token_public_keys=[key, "a.pem"])))
    assert load_settings(toml_path=toml).token_public_keys == (key, Path("a.pem"))


def test_the_rules_of_hooks_in_effect_read_as_the_same() -> None:
    transforms = [
        {"status_code": 404, "to_error": {"code": 404, "message": "not found", "temporary": True}},
        {"status_code": 403, "to_disconnect": {"code": 4903, "reason": "denied"}},
    ]
    rpc = HookRules(url="http://a/", timeout="2s", http_headers=["Cookie"], status_to_code_transforms=transforms)
    settings = Settings(back_end=BackEndRules(rpc=rpc))
    assert read_back_end(tomllib.loads(effective(settings))) == settings.back_end


def test_what_is_in_effect_hides_secrets() -> None:
    rules = HookRules(url="https://:hush@app/", static_headers={"X-Key": "hush"})
    back_end = BackEndRules(connect=rules)
    secrets = {"token_secret": "hush", "api_keys": ["hush"], "redis_url": "redis://:hush@db"}
    text = effective(Settings(**secrets, back_end=back_end))
    assert "hush" not in text
    assert 'static_headers = {"X-Key" = "***"}' in text
    assert 'token_secret = "***"' in text
    assert 'redis_url = "redis://:***@db"' in text

"""What `serve` prints when clients can connect: where everything is, and the next lines to try."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from trio_gateway.cli.local import authority, client_url
from trio_gateway.model.paths import CENTRIFUGO_PATH
from trio_gateway.settings.data_directory import DEVELOPMENT_SECRET, read_development_api_key, socket_path
from trio_gateway.settings.option import hide_password
from trio_gateway.settings.program import program_name
from trio_gateway.settings.settings import Settings

FIRST_USER = "7"
TOKEN_SECONDS = 24 * 3600.0
HELLO = '{"text": "hi"}'

BANNER = """\
trio-gateway {version} is {state}; Ctrl-C ends it.

{reasons}  clients   {clients}  (SDKs of Centrifugo: {sdks})
  admin     http://{admin}/  (a page to try it; health is at /health)
  store     {store}
  api       {api}

  listen    {program} listen --user {user} --device phone{listen_options}
  publish   {program} publish --user {user} '{hello}'{publish_options}
  or so     {redis_cli} \\
              FCALL tg1_publish 2 '{prefix}:{{#{user}}}:m' '{prefix}:{{#{user}}}:s' '{hello}'
"""

MADE_UP = """
  No token secret is set; one was made up for this machine, and lies in
  {secret}
  A token for user {user}, valid for 24 hours:

  {token}
"""

INSECURE = """
  --insecure: whoever can connect is believed to be whom they say. For trying out only.
"""


def banner(settings: Settings, token: str | None, reasons: Sequence[str] = (), config: str = "") -> str:
    """Write the banner.

    `token` is for the first user, None where the secret was not made up here; `reasons` tell why the
    store is not ready; `config` is the file that was named by a flag, empty for none.
    """
    from importlib.metadata import version  # noqa: PLC0415 (takes a fifth of the start of other commands)

    text = BANNER.format(
        version=version("trio-gateway"),
        state="not ready yet, and keeps trying" if reasons else "ready",
        reasons="".join(f"  reason    {reason}\n" for reason in reasons),
        clients=client_url(settings),
        sdks=CENTRIFUGO_PATH,
        admin=authority(settings.admin_host, settings.admin_port),
        store=_store(settings),
        api=_api(settings, config),
        user=FIRST_USER,
        hello=HELLO,
        prefix=settings.redis_prefix,
        program=program_name(),
        redis_cli=_redis_cli(settings),
        listen_options=_config(config) + _listen_options(settings, made_up=token is not None, config=config),
        publish_options=_config(config) + _publish_options(settings, config),
    )
    if token is not None:
        text += MADE_UP.format(secret=settings.data_directory / DEVELOPMENT_SECRET, user=FIRST_USER, token=token)
    return text + INSECURE if settings.insecure else text


def _store(settings: Settings) -> str:
    if settings.redis_url:
        return hide_password(settings.redis_url)
    return f"the gateway's own Valkey in {settings.data_directory}"


def _api(settings: Settings, config: str) -> str:
    where = authority(settings.admin_host, settings.admin_port)
    if not (settings.api_keys or settings.api_insecure):
        return f"closed, as no --api-key is set (http://{where}/api/docs)"
    return f"http://{where}/api/docs  ({program_name()} api info{_config(config)}{_api_options(settings, config)})"


def _api_options(settings: Settings, config: str) -> str:
    usual = Settings()
    port = f" --admin-port {settings.admin_port}" if settings.admin_port != usual.admin_port else ""
    host = f" --admin-host {settings.admin_host}" if settings.admin_host != usual.admin_host else ""
    made_up = settings.api_keys == (read_development_api_key(settings.data_directory),)
    key = "" if settings.api_insecure else _data_dir(settings) if made_up else "" if config else " --api-key …"
    return host + port + key


def _config(config: str) -> str:
    return f" --config {shlex.quote(config)}" if config else ""


def _redis_cli(settings: Settings) -> str:
    if settings.redis_url:
        return f"redis-cli -u {shlex.quote(hide_password(settings.redis_url))}"
    return f"redis-cli -s {shlex.quote(str(socket_path(settings.data_directory)))}"


def _listen_options(settings: Settings, *, made_up: bool, config: str) -> str:
    url = client_url(settings)
    given = settings.token_secret and not (made_up or settings.insecure or config)
    secret = " --token-secret …" if given else ""
    return secret + _data_dir(settings) + (f" {url}" if url != client_url(Settings()) else "")


def _publish_options(settings: Settings, config: str) -> str:
    if settings.redis_url:
        return "" if config else f" --redis-url {shlex.quote(hide_password(settings.redis_url))}"
    return _data_dir(settings)


def _data_dir(settings: Settings) -> str:
    return f" --data-dir {shlex.quote(str(settings.data_dir))}" if settings.data_dir else ""

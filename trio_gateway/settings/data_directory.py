"""The data directory's layout is decided here: what lies in it, under which name, and who may read it."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import platformdirs

from trio_gateway.model.errors import ConfigurationError

MAX_SOCKET_PATH = 103
"""Bytes of a Unix socket's path that every platform takes: `sun_path` is 104 on macOS and the BSDs, with the NUL."""

TEMPORARY_DIRECTORIES = (tempfile.gettempdir, lambda: "/tmp")  # noqa: S108 (mkdtemp makes a private one inside)
"""The second, because a TMPDIR can be long as well."""

SOCKET = "valkey.sock"
SOCKET_POINTER = "socket"
DEVELOPMENT_SECRET = "development-secret"  # noqa: S105 (the file's name)
DEVELOPMENT_API_KEY = "development-api-key"
SECRET_BYTES = 32
"""As many as HS256's hash has (RFC 7518 §3.2)."""


def default_data_directory() -> Path:
    """Give the platform's place for this user's application data; creates nothing."""
    return platformdirs.user_data_path("trio-gateway", appauthor=False)


def make_data_directory(data_dir: Path) -> Path:
    """Make the directory for its owner alone (0700) where it is missing, and return it.

    Raises ConfigurationError where that is not allowed.
    """
    with _blaming(data_dir):
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return data_dir


def socket_path(data_dir: Path) -> Path:
    """Find the embedded server's socket, whether or not a server listens there; changes nothing.

    Raises ConfigurationError where the directory can't be read.
    """
    inside = data_dir.absolute() / SOCKET
    if _fits(inside):
        return inside
    with _blaming(data_dir):
        pointed = _read(data_dir / SOCKET_POINTER)
    return Path(pointed) if pointed else inside


def make_socket_path(data_dir: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Find where the embedded server shall make its socket, and make the directories it needs.

    Where the path inside the data directory is too long for a socket, it is one in a 0700 directory
    under `XDG_RUNTIME_DIR` or the temporary directory, and the file `socket` says where. Raises
    ConfigurationError where neither can be written or even that path is too long.
    """
    make_data_directory(data_dir)
    path = socket_path(data_dir)
    if _fits(path) and _is_private(path.parent, data_dir):
        return path
    with _blaming(data_dir):
        path = _private_directory(environ) / SOCKET
        _write(data_dir / SOCKET_POINTER, str(path))
    return path


def read_development_secret(data_dir: Path) -> str | None:
    """Read the secret that `serve` made up for this machine; None where it never did.

    Raises ConfigurationError where the file can't be read.
    """
    return _read_secret(data_dir, DEVELOPMENT_SECRET)


def make_development_secret(data_dir: Path) -> str:
    """Read the development secret, or make one up (mode 0600) where there is none yet.

    Two processes that start at once get the same one. Raises ConfigurationError where the directory
    can't be written.
    """
    return _make_secret(data_dir, DEVELOPMENT_SECRET)


def read_development_api_key(data_dir: Path) -> str | None:
    """Read the key of the HTTP API that `serve` made up for this machine; None where it never did.

    Raises ConfigurationError where the file can't be read.
    """
    return _read_secret(data_dir, DEVELOPMENT_API_KEY)


def make_development_api_key(data_dir: Path) -> str:
    """Read the development key of the HTTP API, or make one up, as `make_development_secret` does."""
    return _make_secret(data_dir, DEVELOPMENT_API_KEY)


def _read_secret(data_dir: Path, name: str) -> str | None:
    with _blaming(data_dir):
        return _read(data_dir / name) or None


def _make_secret(data_dir: Path, name: str) -> str:
    make_data_directory(data_dir)
    with _blaming(data_dir):
        path = data_dir / name
        present = path.exists()
        if not _read(path):
            with contextlib.suppress(FileExistsError):
                # One that was there before is empty: somebody's hand, since ours are never written in part.
                _write(path, secrets.token_urlsafe(SECRET_BYTES), replace=present)
        return _read(path)


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= MAX_SOCKET_PATH


def _is_private(directory: Path, data_dir: Path) -> bool:
    """Tell whether the directory is the data directory, or one that nobody else may write."""
    if directory == data_dir.absolute():
        return True
    try:
        status = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077


def _private_directory(environ: Mapping[str, str]) -> Path:
    """Make a new 0700 directory with a random name: a name that can be guessed could lie there already."""
    for parent in filter(None, (environ.get("XDG_RUNTIME_DIR"), *(find() for find in TEMPORARY_DIRECTORIES))):
        if _fits(Path(parent) / "trio-gateway-12345678" / SOCKET) and os.access(parent, os.W_OK):
            return Path(tempfile.mkdtemp(prefix="trio-gateway-", dir=parent))
    raise ConfigurationError("no directory with a path short enough for a socket: set XDG_RUNTIME_DIR or --data-dir")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except FileNotFoundError:
        return ""


def _write(path: Path, text: str, *, replace: bool = True) -> None:
    """Write a whole 0600 file at once, so that no reader ever sees half of it.

    With `replace` false, raises FileExistsError where there is one.
    """
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 (of a descriptor)
            file.write(text + "\n")
        if replace:
            Path(temporary).replace(path)
        else:
            os.link(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)


@contextlib.contextmanager
def _blaming(data_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(f"--data-dir {data_dir}: {error.strerror or error}") from error

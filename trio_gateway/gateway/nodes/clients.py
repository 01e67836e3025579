"""Which clients a node holds, by user: those that entered and are not gone, as everything else on the node knows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from trio_gateway.model.codes import DisconnectCode
from trio_gateway.model.directives import AnyDirective
from trio_gateway.session.connecting import Admission


class ConnectedClient(Protocol):
    """Be told what to do, from outside; a connection is one."""

    client_id: str

    @property
    def session(self) -> str:
        """Name the session by which commands reach the client from outside, empty for none."""

    @property
    def admission(self) -> Admission | None:
        """Give who was let in; None once the client is gone."""

    def obey(self, directive: AnyDirective) -> None:
        """Do to the client what a directive says: at once, or soon."""

    def leave(self, disconnect: DisconnectCode) -> None:
        """End the connection with a close code."""


class Clients:
    """Hold the clients of a node by user; those who said not who they are count as one user, ""."""

    def __init__(self) -> None:
        self._users: dict[str, dict[ConnectedClient, None]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._users.values()))

    @property
    def users(self) -> int:
        """Count the different users."""
        return len(self._users)

    def of(self, user: str) -> Sequence[ConnectedClient]:
        """List the clients of a user."""
        return tuple(self._users.get(user, ()))

    def all(self) -> Sequence[ConnectedClient]:
        """List all clients, those included that are being greeted."""
        return [client for clients in self._users.values() for client in clients]

    def add(self, client: ConnectedClient, user: str) -> None:
        """Know a client as a user's."""
        self._users.setdefault(user, {})[client] = None

    def remove(self, client: ConnectedClient, user: str) -> None:
        """Know it no more."""
        clients = self._users.get(user, {})
        clients.pop(client, None)
        if not clients:
            self._users.pop(user, None)

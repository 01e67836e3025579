"""The back end: says who somebody is, looks at what they write, and publishes it.

GET  /             the page, and what it loads
GET  /api/session  who I am, what there is, and where the gateway is
POST /api/login    {name}                become somebody: a signed cookie, without a password
POST /api/logout
POST /api/token                          a token for the gateway; the SDK asks again before it expires
POST /api/send     {id, channel, text}   say something; the answer is the publication: {offset, epoch, data}
POST /api/read     {channel, offset}     have read everything of a conversation

A page says whose it is by the header Chat-User. An error is {"error": "one sentence"}. 503 means: try the same
again; 401: this browser is nobody's, or somebody else's.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path

import attrs
import cent
import jwt
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from examples.chat.bodies import LogIn, Read, Send, read_body
from examples.chat.conversations import ROOMS, NoSuchConversation, inbox_of, members_of
from examples.chat.keys import Keys
from examples.chat.people import BadName, People, Person, TooManyPeople
from examples.chat.publishing import Unpublished, publish
from examples.chat.security import Guard, gateway_origin

PAGE = Path(__file__).parent / "page"

TOKEN_SECONDS = 600
"""A token can't be taken back without the gateway's help, so it is short-lived; the SDK fetches the next one."""

PAGE_OF = "chat-user"
"""The header in which a page says whose it is: all tabs share one cookie, and another may have changed it."""

SESSION_SECONDS = 14 * 24 * 3600


def make_app(
    *, people: People, keys: Keys, client: cent.Client, gateway_port: int, allowed_hosts: Collection[str] = ()
) -> Starlette:
    """Make the app; `client` is the gateway's HTTP API, `gateway_port` where pages connect.

    It answers under the names of `allowed_hosts`, beside this machine's own.
    """
    backend = Backend(people, keys, client, gateway_port)
    return Starlette(
        routes=[
            Route("/api/session", backend.session),
            Route("/api/login", backend.log_in, methods=["POST"]),
            Route("/api/logout", backend.log_out, methods=["POST"]),
            Route("/api/token", backend.token, methods=["POST"]),
            Route("/api/send", backend.send, methods=["POST"]),
            Route("/api/read", backend.read, methods=["POST"]),
            Mount("/", StaticFiles(directory=PAGE, html=True)),
        ],
        middleware=[
            Middleware(Guard, gateway_port=gateway_port, allowed_hosts=allowed_hosts),
            # Over HTTPS, add https_only=True.
            Middleware(
                SessionMiddleware,
                secret_key=keys.cookie_secret,
                session_cookie="chat",
                max_age=SESSION_SECONDS,
                same_site="strict",
            ),
        ],
        exception_handlers={HTTPException: refuse, Unpublished: ask_again},
    )


async def refuse(_request: Request, error: Exception) -> Response:
    """Answer a request that can't be carried out."""
    assert isinstance(error, HTTPException), "it is registered for that"
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)


async def ask_again(_request: Request, _error: Exception) -> Response:
    """Answer while the gateway is away; it was stored in some of the channels, perhaps."""
    return JSONResponse({"error": "the gateway does not answer; try again"}, 503)


@attrs.frozen
class Backend:
    """Answer the page's requests."""

    people: People
    keys: Keys
    client: cent.Client
    gateway_port: int

    def _user(self, request: Request) -> Person | None:
        return self.people.find(request.session.get("user", ""))

    def _me(self, request: Request) -> Person:
        me = self._user(request)
        if me is None:
            raise HTTPException(401, "log in first")
        if request.headers.get(PAGE_OF, me.id) != me.id:
            raise HTTPException(401, "somebody else has logged in in this browser")
        return me

    async def session(self, request: Request) -> Response:
        """Tell the page who it is for, and what there is; `me` is null for somebody who has to log in."""
        me = self._user(request)
        if me is None:
            return JSONResponse({"me": None})
        return JSONResponse(
            {
                "me": attrs.asdict(me),
                "gateway": gateway_origin(request, self.gateway_port),
                "rooms": [{"channel": channel, "name": name} for channel, name in ROOMS.items()],
                "people": [attrs.asdict(person) for person in self.people],
            }
        )

    async def log_in(self, request: Request) -> Response:
        """Make the browser somebody's."""
        asked = await read_body(request, LogIn)
        try:
            person = await run_in_threadpool(self.people.log_in, asked.name)
        except BadName as wrong:
            raise HTTPException(400, str(wrong)) from None
        except TooManyPeople as full:
            raise HTTPException(403, str(full)) from None
        request.session["user"] = person.id
        return JSONResponse(attrs.asdict(person))

    async def log_out(self, request: Request) -> Response:
        """Make the browser nobody's."""
        request.session.clear()
        return Response(status_code=204)

    async def token(self, request: Request) -> Response:
        """Let the page into the gateway, for a while."""
        me = self._me(request)
        now = int(time.time())
        claims = {"sub": me.id, "iat": now, "exp": now + TOKEN_SECONDS, "info": {"name": me.name}}
        return JSONResponse({"token": jwt.encode(claims, self.keys.token_secret, algorithm="HS256")})

    async def send(self, request: Request) -> Response:
        """Publish a message in its conversation, and in the inboxes of all others who are in it.

        The answer is the publication in the conversation: by its position, the page sees whether it has come there.
        """
        me = self._me(request)
        asked = await read_body(request, Send)
        members = self._members(asked.channel, me)
        if not (text := asked.text.strip()):
            raise HTTPException(400, "there is no text")
        message = {
            "type": "message",
            "id": f"{me.id}-{asked.id}",  # ids are each person's own: nobody can take another's
            "channel": asked.channel,
            "from": attrs.asdict(me),
            "text": text,
            "time": int(time.time() * 1000),
        }
        inboxes = [inbox_of(member) for member in members if member != me.id]
        stored, *_ = await publish(self.client, [asked.channel, *inboxes], message, key=f"send-{message['id']}")
        return JSONResponse({"offset": stored.offset, "epoch": stored.epoch, "data": message})

    async def read(self, request: Request) -> Response:
        """Tell all devices of this person that a conversation was read up to an offset of their inbox."""
        me = self._me(request)
        asked = await read_body(request, Read)
        self._members(asked.channel, me)
        mark = {"type": "read", "channel": asked.channel, "offset": asked.offset}
        await publish(self.client, [inbox_of(me.id)], mark, key=f"read-{asked.channel}-{asked.offset}")
        return Response(status_code=204)

    def _members(self, channel: str, me: Person) -> list[str]:
        try:
            return members_of(channel, me.id, self.people.ids)
        except NoSuchConversation as unknown:
            raise HTTPException(404, str(unknown)) from None

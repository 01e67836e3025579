"""What each method of the API does, in one sentence: for the command line, which must not load what carries it out."""

from __future__ import annotations

SENTENCES = {
    "publish": "Publish in a channel.",
    "broadcast": "Publish the same in many channels.",
    "subscribe": "Subscribe the clients of a user to a channel.",
    "unsubscribe": "End a user's subscriptions to a channel.",
    "disconnect": "Disconnect the clients of a user.",
    "refresh": "Give a user's connections another expiry.",
    "presence": "List who is in a channel.",
    "presence_stats": "Count who is in a channel.",
    "history": "Read what a channel keeps.",
    "history_remove": "Drop what a channel keeps.",
    "channels": "List the channels that somebody is subscribed to.",
    "info": "Show all nodes.",
    "rpc": "Call a procedure of the gateway; there is none yet.",
    "batch": "Carry out several commands in one request.",
    "block_user": "Disconnect a user, and refuse them for a while.",
    "unblock_user": "Let a blocked user in again.",
    "revoke_user_tokens": "Refuse all tokens of a user issued before now.",
    "revoke_token": "Refuse one token, by its `jti`.",
}
"""In the order in which they are listed."""

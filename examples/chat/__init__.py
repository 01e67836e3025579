"""A small real chat on the gateway: rooms, who is here, history, direct messages, unread counts.

    __main__.py        the one command: starts the gateway and the back end, and ends them together
    running.py         the nursery that holds both
    gateway.py         the gateway, as a child process with gateway.toml
    app.py             the back end: who may do what, over HTTP
    bodies.py          what a page may ask, and how much of it
    security.py        what guards the page: headers, and where a request may come from
    publishing.py      into which channels a message goes, by `cent`
    conversations.py   which conversations there are, and who is in them
    people.py          who has ever logged in, in SQLite
    keys.py            the secrets, made up at the first start
    page/              the page: HTML, CSS and ES modules, as the browser gets them

README.md beside this file tells why it is built this way.
"""

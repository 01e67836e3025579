"""From a request to a client that has entered: who it is, and what it gets at once."""

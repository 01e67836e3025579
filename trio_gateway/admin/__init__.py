"""Floor 4: the operations server, for operators and their tools: health, and a page to try the gateway in a browser.

It knows the gateway only by the values that it is given, and it outlives the client server, so that a
drain can be watched.
"""

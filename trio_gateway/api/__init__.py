"""Floor 5: the server HTTP API, by which back ends publish, and control who is connected.

It knows the store by the broker's seam and all other nodes by `Control`, and stands on the admin port.
"""

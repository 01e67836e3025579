"""HTTP on the clients' port: bodies in, answers of the application out, and the paths that open connections instead."""

"""Floor 2: one client's state without I/O: who it is, what it may, what its commands come to.

This package imports neither trio nor redis; `tests/test_floors.py` holds it.
"""

"""Floor 1: bytes and text without I/O: frames, the upgrade request, the codecs.

This package imports neither trio nor redis; `tests/test_floors.py` holds it.
"""

"""Floor 0: values and rules without I/O, that every other floor may use.

This package imports neither trio nor redis; `tests/test_floors.py` holds it.
"""

"""Floor 2: the seam to the store, with a memory and a Redis implementation of one contract."""

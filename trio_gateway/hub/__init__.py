"""Floor 3: what one node knows of each channel, once for all its clients, and who gets what."""

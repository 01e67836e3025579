"""A node, what it keeps about its clients, and how the nodes speak to each other and take over from one that was killed."""

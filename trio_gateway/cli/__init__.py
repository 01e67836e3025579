"""Floor 7: the command line. Heavy things are imported inside the commands that need them."""

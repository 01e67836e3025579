"""Floor 1: the operator's options, each one documented once; flags, environment, TOML and docs are made from here."""

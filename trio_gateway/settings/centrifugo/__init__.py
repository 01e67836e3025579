"""A configuration file of Centrifugo 6 becomes settings here; no option of it is lost without a word."""

"""Measure the gateway's CPU and memory beside floors that do the least possible, in one run, on one machine."""

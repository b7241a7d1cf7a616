"""Faults of the systems around a run, made on purpose: networks that fail, calls that fail, disks that are full."""

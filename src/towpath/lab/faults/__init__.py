"""Faults put into a run from outside, without a change of it: system calls that fail or are the last, full disks."""

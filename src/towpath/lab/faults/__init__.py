"""Faults put into a run from outside, without a change of it: network, system calls, disks (docs/how-to/lab.md)."""

"""Real servers on this machine, without Docker: for tests, benches, lessons and for trying things out.

`Lab` starts and stops them, `recipe.py` says what a recipe is, `recipes/` has one for each server, `ways/` the ways in
which their programs are obtained."""

from towpath.lab.lab import Lab
from towpath.lab.server import Server

__all__ = ["Lab", "Server"]

"""Builds sources and destinations of topics; `towpath.assemble` calls it for addresses of queues."""

from __future__ import annotations

from towpath.address import Address
from towpath.assemble import Built
from towpath.errors import UserError
from towpath.job import InputSpec, OutputSpec


def source(at: Address, spec: InputSpec) -> Built:
    """The source that reads a topic."""
    raise UserError(f"{at}: topics cannot be read yet", code="adapter-unknown")


def destination(at: Address, spec: OutputSpec) -> Built:
    """The destination that writes to a topic."""
    raise UserError(f"{at}: topics cannot be written yet", code="adapter-unknown")

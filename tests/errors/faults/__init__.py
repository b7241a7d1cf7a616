"""The table of faults, group by group."""

from __future__ import annotations

from tests.errors.faults import code, commands, data, destinations, lab, paths, state, types, yaml

GROUPS = {
    "paths": paths.FAULTS,
    "commands": commands.FAULTS,
    "types": types.FAULTS,
    "data": data.FAULTS,
    "destinations": destinations.FAULTS,
    "state": state.FAULTS,
    "yaml": yaml.FAULTS,
    "code": code.FAULTS,
    "lab": lab.FAULTS,
}
FAULTS = tuple(fault for group in GROUPS.values() for fault in group)

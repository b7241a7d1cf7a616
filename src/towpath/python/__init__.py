"""The parts of the Python interface: frames and objects as sources, readers, and what a notebook shows."""

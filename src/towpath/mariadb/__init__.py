"""What the adapter of MariaDB does in C, and what is asked whether that is there."""

"""What the adapters of PostgreSQL share, whatever library they speak through."""

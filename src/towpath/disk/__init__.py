"""The local disk: temporary files that outlive no run unseen, spools, and what the operating system says."""

"""The ways in which a server's programs come onto this machine: installed, a wheel, the system's package, jars."""

"""The ways in which a server's programs come onto this machine: installed already, a wheel, the system's package, jars."""

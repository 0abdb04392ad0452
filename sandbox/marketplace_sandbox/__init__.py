"""Stand-ins on localhost for the APIs that the plugins talk to."""

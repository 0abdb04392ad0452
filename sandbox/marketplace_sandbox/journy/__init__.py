"""Stand-in for journy.io's REST API."""

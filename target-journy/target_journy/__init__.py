"""Singer target for journy.io."""

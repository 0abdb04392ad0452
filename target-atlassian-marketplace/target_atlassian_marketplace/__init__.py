"""Singer target for the Atlassian License Service."""

"""Stand-in for the Atlassian Marketplace vendor API, version 3."""

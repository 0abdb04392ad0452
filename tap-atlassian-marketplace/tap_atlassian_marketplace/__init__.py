"""Singer tap for the Atlassian Marketplace vendor API."""

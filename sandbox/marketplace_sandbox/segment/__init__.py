"""Stand-ins that speak the Segment protocol: Segment itself, in two regions, and journy.io's own door for it."""

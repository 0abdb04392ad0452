"""How a user is called: by e-mail address, or by an id of the system that they come from."""

from __future__ import annotations


def is_email(user: str) -> bool:
    """Whether a user is called by e-mail address; an id never has an @."""
    return "@" in user

"""The made-up credentials that the stand-ins accept."""

VENDOR_EMAIL = "vendor@sandbox.example"
"""User of the vendor's team with both report permissions."""

NO_REPORTS_EMAIL = "noreports@sandbox.example"
"""User of the vendor's team who may not see reports; same token."""

OTHER_VENDOR_EMAIL = "other-vendor@sandbox.example"
"""User of another vendor, known to the License Service only; same token."""

UNAPPROVED_EMAIL = "unapproved@sandbox.example"
"""User whose vendor may not import licences, known to the License Service only; same token."""

API_TOKEN = "sandbox-token"  # noqa: S105 - made up, opens nothing
"""API token of every user."""

VENDOR_ID = 1212980
"""The vendor's number, as the Marketplace shows it in its portal."""

DEVELOPER_ID = "5d1c2f6e-7a43-4f0b-9b35-2f6f0a8c9e11"
"""The developer space of the vendor, a UUID."""

JOURNY_KEY = "sandbox-journy-key"
"""journy.io API key with every permission."""

JOURNY_DISABLED_KEY = "sandbox-journy-key-disabled"
"""journy.io API key that its owner has disabled: answered by 403."""

WRITE_KEY = "sandbox-write-key"
"""Write key of a source, known to journy.io's door for the Segment protocol and to Segment in the US."""

EU_WRITE_KEY = "sandbox-write-key-eu"
"""Write key of a source in Segment's European region."""

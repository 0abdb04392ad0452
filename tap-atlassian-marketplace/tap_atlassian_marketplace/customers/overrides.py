"""What the vendor knows better than the rows: corrections of licences and of e-mail domains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable


class LicenseOverride(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known better of a licence; None leaves it to the rows.

    Attributes:
        company: Name of the customer.
        domain: Domain of the customer, whatever the domains of the contacts are.
        customer: The customer that it belongs to, by the domain or name that all licences of his have in common.
        own: Whether it is the vendor's own licence, or Atlassian's.
        partner: Whether a partner manages it.
        ignore: Leave it out of all that is told of customers and contacts.
    """

    company: str | None = None
    domain: str | None = None
    customer: str | None = None
    own: bool | None = None
    partner: bool | None = None
    ignore: bool = False


class DomainOverride(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known better of an e-mail domain; None leaves it to lists, settings and rows.

    Attributes:
        kind: Whose it is; in the file its name is `class`.
        company: Name of the customer whose domain it is.
        customer: The customer whose it is, as in `LicenseOverride`.
    """

    kind: Literal["own", "free", "partner", "business"] | None = msgspec.field(name="class", default=None)
    company: str | None = None
    customer: str | None = None


class Overrides(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All corrections.

    Attributes:
        licenses: By any id by which the licence may be met.
        domains: By domain, as it was registered, in small letters.
    """

    licenses: dict[str, LicenseOverride] = {}
    domains: dict[str, DomainOverride] = {}

    def of_license(self, aliases: Iterable[str]) -> LicenseOverride:
        """Give the correction of a licence; of several ids that are named the first to say something counts."""
        if not self.licenses:
            return _AS_IT_IS
        found = [self.licenses[alias] for alias in aliases if alias in self.licenses]
        if len(found) <= 1:
            return found[0] if found else _AS_IT_IS
        said: dict[str, Any] = {
            name: next((value for one in found if (value := getattr(one, name)) is not None), None)
            for name in LicenseOverride.__struct_fields__
        }
        said["ignore"] = any(one.ignore for one in found)
        return LicenseOverride(**said)

    def of_domain(self, domain: str | None) -> DomainOverride:
        """Give the correction of a domain."""
        return self.domains.get(domain or "", _NOBODYS)

    def ignores(self, aliases: Iterable[str]) -> bool:
        """Say whether a licence is to be left out."""
        return self.of_license(aliases).ignore

    @property
    def ignored(self) -> list[str]:
        """Ids of the licences that are left out, in order."""
        return sorted(number for number, override in self.licenses.items() if override.ignore)

    @property
    def classes(self) -> dict[str, str]:
        """Whose domains are, by domain."""
        return {domain: override.kind for domain, override in self.domains.items() if override.kind}


_AS_IT_IS = LicenseOverride()
_NOBODYS = DomainOverride()

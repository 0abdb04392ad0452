"""Which licences and transactions the filters let through.

The API ignores parameters that it does not know, so what it was asked for is checked again here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.config_schema import COMPLIANCE_BOUNDARIES
from tap_atlassian_marketplace.customers.fields import text
from tap_atlassian_marketplace.customers.identity import aliases, shared_number
from tap_atlassian_marketplace.hash_index import HashIndex, hash64, position
from tap_atlassian_marketplace.row_ids import event_license

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from tap_atlassian_marketplace.customers.identity import HasFields
    from tap_atlassian_marketplace.settings import Settings

# Filters that the API answers with rows whose type is plain EVALUATION.
_KINDS_OF_EVALUATION = {"net_new_evaluation", "upgrade_evaluation"}


def api_value(value: str) -> str:
    """Spell a status, licence type or edition as the API's filters do: lower case, `_` between words."""
    return "_".join(value.lower().split())


def api_hosting(value: str) -> str:
    """Spell a hosting as the API's filters do: `Data Center` is `datacenter`."""
    return "".join(value.lower().replace("_", " ").split())


class Selection:
    """The filters of a run.

    Attributes:
        statuses: Licence statuses to let through, as the API's filters spell them; empty for all.
        types: Licence types, likewise.
        hostings: Hostings, likewise.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.statuses = tuple(api_value(value) for value in settings.license_statuses)
        self.types = tuple(api_value(value) for value in settings.license_types)
        self.hostings = tuple(api_hosting(value) for value in settings.hostings)
        self._app_keys = frozenset(settings.app_keys)
        self._entitlements = frozenset(settings.entitlement_numbers)
        self._overrides = settings.overrides
        self._accepted_types = set(self.types)
        if _KINDS_OF_EVALUATION & self._accepted_types:
            self._accepted_types.add("evaluation")

    @property
    def restricts_licenses(self) -> bool:
        """Whether licences are chosen by what they are, so that only some transactions belong to them."""
        return bool(self.statuses or self.types or self.hostings)

    @property
    def narrowed_by(self) -> list[str]:
        """The settings that leave rows of any age out, by name; none where all are read."""
        settings = self._settings
        narrow = {
            "app_keys": settings.app_keys,
            "entitlement_numbers": settings.entitlement_numbers,
            "license_statuses": settings.license_statuses,
            "license_types": settings.license_types,
            "hostings": settings.hostings,
            "include_manual_invoices": not settings.include_manual_invoices,
            "compliance_boundaries": not set(COMPLIANCE_BOUNDARIES) <= set(settings.compliance_boundaries),
        }
        return [name for name, value in narrow.items() if value]

    @property
    def is_trial(self) -> bool:
        """Whether only some licences are read, by number."""
        return bool(self._entitlements)

    def admits_license(self, row: HasFields) -> bool:
        """Say whether a licence, and thus its contacts, is to be emitted."""
        return (
            self._admits_app(row)
            and (not self._entitlements or not self._entitlements.isdisjoint(aliases(row)))
            and _matches(row, "status", self.statuses, api_value)
            and _matches(row, "licenseType", self._accepted_types, api_value)
            and _matches(row, "hosting", self.hostings, api_hosting)
        )

    def admits_customer(self, license_: HasFields | None, transactions: Sequence[HasFields]) -> bool:
        """Say whether what is computed of a licence and its transactions is to be emitted.

        Args:
            license_: The licence; None where only its transactions are known.
            transactions: Its transactions.
        """
        if license_ is not None:
            return self.admits_license(license_) and not self.ignores(license_)
        if self.restricts_licenses or not any(self._admits_app(row) for row in transactions):
            return False
        if any(map(self.ignores, transactions)):
            return False
        return not self.is_trial or any(not self._entitlements.isdisjoint(aliases(row)) for row in transactions)

    def ignores(self, row: HasFields) -> bool:
        """Say whether a licence, or that of a sale, is one that the vendor wants nothing told of."""
        return bool(self._overrides.licenses) and self._overrides.ignores(aliases(row))

    def admits_transaction(self, row: HasFields, licenses: LicenseIds | None) -> bool:
        """Say whether a transaction is to be emitted.

        Args:
            row: The transaction.
            licenses: The licences that it must belong to; None where it may belong to any.
        """
        return self._admits_app(row) and (licenses is None or licenses.include_transaction(row))

    def admits_other(self, row: HasFields, products: Collection[str]) -> bool:
        """Say whether a row of any other report is to be emitted.

        Args:
            row: The row; what it says of no licence is not chosen by licence.
            products: Product ids of the chosen apps, since some rows name no app key.
        """
        key = text(row.get("addonKey")) or text(row.get("appKey"))
        is_of_product = key is None and text(row.get("productId")) in products
        is_of_app = not self._app_keys or key in self._app_keys or is_of_product
        return is_of_app and (not self._entitlements or self._is_of_chosen_license(row))

    def _is_of_chosen_license(self, row: HasFields) -> bool:
        quoted = text(row.get("entitlementNumber")), text(row.get("entitlementEid"))
        found = {*aliases(event_license(row)), *quoted} - {None}
        return not found or not self._entitlements.isdisjoint(found)

    def _admits_app(self, row: HasFields) -> bool:
        return not self._app_keys or text(row.get("addonKey")) in self._app_keys


class LicenseIds:
    """The ids by which the transactions of some licences may name them; up to 16 bytes a licence's id.

    Args:
        licenses: The licences.
        numbers: Further ids to take in.
    """

    def __init__(self, licenses: Iterable[HasFields], numbers: Iterable[str] = ()) -> None:
        index = HashIndex()
        for number in numbers:
            index.add(number)
        for row in licenses:
            for alias in aliases(row):
                index.add(alias)
            # The sales of a multi-instance licence are on the entitlement above it.
            if parent := shared_number(row):
                index.add(parent)
        self._hashes = index.distinct()

    def include_transaction(self, row: HasFields) -> bool:
        """Say whether a transaction names one of the licences."""
        return any(position(self._hashes, hash64(alias)) is not None for alias in aliases(row))


def _matches(row: HasFields, field: str, wanted: Any, spelling: Any) -> bool:
    if not wanted:
        return True
    value = row.get(field)
    return isinstance(value, str) and spelling(value) in wanted

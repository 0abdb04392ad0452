"""Under which id journy.io has an account that a record names in one of several ways."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from marketplace_singer.masking import masked_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from target_journy.ledger import LedgerTransaction
    from target_journy.operations import AccountReference, Source

logger = logging.getLogger(__name__)


class AccountNames:
    """The names of the accounts of one batch.

    The first id under which an account is delivered stays its id for ever, whatever ids its licence gains later.

    Args:
        ledger: Where names are looked up and pinned.
        references: All accounts that the batch names.
    """

    def __init__(self, ledger: LedgerTransaction, references: Iterable[AccountReference]) -> None:
        self._ledger = ledger
        names = {name for reference in references for name in reference.names}
        self._accounts = ledger.accounts_by_alias(names)
        self._shared = ledger.accounts_by_shared_alias(names)

    def pin(self, accounts: Iterable[tuple[AccountReference, Source]]) -> list[str]:
        """Give accounts their ids, and keep all names that they go by.

        Returns:
            The id of each account, in their order.
        """
        ids = []
        new: dict[str, str] = {}
        shared = []
        for reference, source in accounts:
            account = self._known(reference) or str(reference.id)
            ids.append(account)
            new.update({name: account for name in reference.names if name not in self._accounts})
            self._accounts.update(new)
            if reference.shared_alias:
                shared.append((reference.shared_alias, source.key, account))
        self._ledger.add_aliases(new)
        self._ledger.add_shared_aliases(shared)
        self._shared.update(self._ledger.accounts_by_shared_alias(alias for alias, _, _ in shared))
        return ids

    def resolve(self, reference: AccountReference) -> tuple[str | None, bool]:
        """Find the account that a record refers to.

        Returns:
            Its id, or None while it is not known, and whether it was found by a name that accounts share.
        """
        if account := self._known(reference):
            return account, False
        return next((self._shared[name] for name in reference.names if name in self._shared), None), True

    def _known(self, reference: AccountReference) -> str | None:
        found = list(dict.fromkeys(self._accounts[name] for name in reference.names if name in self._accounts))
        if len(found) > 1:
            # Aliases name the newest id first, so the last is the oldest.
            named = [masked_key(account) for account in found]  # of another tap it may be somebody's address
            logger.warning("Accounts %s turned out to be one; %s goes on", " and ".join(named), named[-1])
        return found[-1] if found else None

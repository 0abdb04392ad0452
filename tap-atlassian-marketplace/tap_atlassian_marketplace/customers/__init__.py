"""What Marketplace rows mean: pure functions that know neither Singer nor HTTP.

`examine` is the way in: all rows about one licence (`dossier`) become its rows of the customer streams, after a first
look at all rows (`survey`). Under it, from the money up: `sales` are read, `matching` finds what a refund takes from,
`revenue` makes monthly rates of both, `coverage` says until when is paid, `trials` what was tried; a `situation` has it
all, from which `stages`, `health`, `accounts`, `sale_events` and `life_events` speak. `people` are folded over all
licences.
"""

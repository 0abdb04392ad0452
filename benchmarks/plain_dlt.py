"""What a user of dlt would write instead of the tap: its `rest_api` source over the synchronous export, into DuckDB.

`python plain_dlt.py URL`, in an environment that has `dlt[duckdb]` and not this workspace.
`tap_licenses.py` makes it, and says which version.
"""

# mypy: ignore-errors
# dlt is no dependency of the workspace: it asks for a newer DuckDB than the warehouse loader.

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import dlt
from dlt.sources.rest_api import rest_api_source

REPORTS = "rest/3/reporting/developer-space/5d1c2f6e-7a43-4f0b-9b35-2f6f0a8c9e11"


def main() -> None:
    """Load all licences."""
    source = rest_api_source(
        {
            "client": {"base_url": sys.argv[1]},
            "resources": [
                {
                    "name": "licenses",
                    "primary_key": "addonLicenseId",
                    "endpoint": {
                        "path": f"{REPORTS}/licenses/export",
                        "data_selector": "$",
                        "paginator": "single_page",
                    },
                }
            ],
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder, "licenses.duckdb")
        destination = dlt.destinations.duckdb(str(database))
        pipeline = dlt.pipeline("licenses", destination=destination, dataset_name="raw", pipelines_dir=folder)
        pipeline.run(source)
        with pipeline.sql_client() as client:
            ((count,),) = client.execute_sql("SELECT count(*) FROM licenses")
        print(count)  # noqa: T201 - whoever started this waits for it


if __name__ == "__main__":
    main()

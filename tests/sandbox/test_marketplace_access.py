"""Who may read what, and where: credentials, permissions, vendor, paths."""

import pytest

from marketplace_sandbox import credentials

SPACE = f"/rest/3/developer-space/{credentials.DEVELOPER_ID}"
REPORTS = f"/rest/3/reporting/developer-space/{credentials.DEVELOPER_ID}"
LISTING = f"/rest/3/product-listing/developer-space/{credentials.DEVELOPER_ID}"
PATHS = [
    SPACE,
    f"/rest/3/developer-space/vendor/{credentials.VENDOR_ID}",
    LISTING,
    REPORTS,
    f"{REPORTS}/licenses",
    f"{REPORTS}/sales/transactions/export",
]


@pytest.mark.parametrize("path", PATHS)
def test_a_wrong_token_is_401_everywhere(marketplace, path):
    response = marketplace.call("GET", path, token="expired")
    assert response.status_code == 401
    assert response.json()["code"] == 401


@pytest.mark.parametrize("header", [None, "Bearer sandbox-token", "Basic %%%", "Basic dmVuZG9y"])
def test_anything_but_basic_credentials_is_401(session, sandbox, header):
    headers = {"Authorization": header} if header else {}
    assert session.get(sandbox.marketplace_url + SPACE, headers=headers, timeout=10).status_code == 401


@pytest.mark.parametrize("path", [REPORTS, f"{REPORTS}/licenses", f"{REPORTS}/licenses/export"])
def test_a_user_without_report_permission_is_403(marketplace, path):
    response = marketplace.call("GET", path, email=credentials.NO_REPORTS_EMAIL)
    assert response.status_code == 403
    assert response.json()["errors"][0]["status"] == "403"


def test_that_user_still_reads_the_developer_space(marketplace):
    assert marketplace.call("GET", SPACE, email=credentials.NO_REPORTS_EMAIL).status_code == 200


def test_the_vendor_number_leads_to_the_developer_space(marketplace):
    answer = marketplace.get(f"/rest/3/developer-space/vendor/{credentials.VENDOR_ID}")
    assert answer.json() == {"developerId": credentials.DEVELOPER_ID}
    assert marketplace.get(SPACE).json()["vendorId"] == credentials.VENDOR_ID


@pytest.mark.parametrize(
    "path",
    [
        "/rest/3/developer-space/vendor/999",
        "/rest/3/developer-space/00000000-0000-4000-8000-000000000000",
        "/rest/3/product-listing/developer-space/00000000-0000-4000-8000-000000000000",
        "/rest/3/reporting/developer-space/00000000-0000-4000-8000-000000000000/licenses",
        f"{REPORTS}/",
        f"{REPORTS}/nothing-here",
        f"/reporting/developer-space/{credentials.DEVELOPER_ID}/licenses",
    ],
)
def test_what_does_not_exist_is_404(marketplace, path):
    assert marketplace.get(path).status_code == 404


def test_developer_space_before_reporting_is_403(marketplace):
    assert marketplace.get(f"{SPACE}/reporting/licenses").status_code == 403


def test_version_2_is_gone_even_without_credentials(session, sandbox):
    response = session.get(f"{sandbox.marketplace_url}/rest/2/vendors/1/reporting/licenses", timeout=10)
    assert response.status_code == 410
    assert response.json()["errors"][0]["code"] == "API_DEPRECATED"


def test_the_root_of_reports_lists_them(marketplace):
    links = marketplace.get(REPORTS).json()["_links"]
    assert {"licenses", "transactions"} <= set(links)


def test_listings_come_in_pages_by_cursor(marketplace):
    keys, cursor, pages = [], {}, 0
    while True:
        page = marketplace.get(LISTING, limit=2, includePrivate="true", **cursor).json()
        keys += [item["appKey"] for item in page["items"]]
        pages += 1
        if "next" not in page["links"]:
            break
        assert page["links"]["next"].startswith("/product-listing/")
        cursor = {"cursor": page["links"]["next"].rpartition("cursor=")[2]}
    assert (len(keys), len(set(keys)), pages) == (5, 5, 3)


def test_only_public_apps_are_listed_unless_asked(marketplace):
    assert {item["state"] for item in marketplace.get(LISTING).json()["items"]} == {"PUBLIC"}
    states = {item["state"] for item in marketplace.get(LISTING, includePrivate="true").json()["items"]}
    assert "ARCHIVED" in states


def test_a_made_up_cursor_is_refused(marketplace):
    assert marketplace.get(LISTING, cursor="???").status_code == 400

from __future__ import annotations

import json

import pytest
import requests_mock
from tests.tap.every_other_field import row_of
from tests.tap.fake_marketplace import CONFIG, DEVELOPER, REPORTS, license_row, run

from tap_atlassian_marketplace.client import MarketplaceClient
from tap_atlassian_marketplace.errors import TroubleError
from tap_atlassian_marketplace.paged_list import read_list
from tap_atlassian_marketplace.settings import Settings

FILTERS = [("hosting", "cloud"), ("hosting", "server"), ("startDate", "2018-07-01")]


def read(path, report="licenses", go_on=lambda: None):
    client = MarketplaceClient(Settings.from_config({**CONFIG, "developer_id": DEVELOPER}))
    doubt = read_list(client, report, FILTERS, path, go_on).doubt
    return doubt, json.loads(path.read_text())


def test_all_pages_are_read_with_the_filters(marketplace, tmp_path):
    rows = [license_row(n) for n in range(101)]
    fake = marketplace(rows)
    assert read(tmp_path / "a") == (None, rows)
    filters = {"hosting": ["cloud", "server"], "startDate": ["2018-07-01"], "limit": ["50"]}
    assert [parameters for _, parameters in fake.pages] == [
        filters,
        {**filters, "offset": ["50"]},
        {**filters, "offset": ["100"]},
    ]


@pytest.mark.parametrize(
    "link",
    [
        f"{REPORTS}/licenses?offset=50&limit=50",
        f"/rest/3/reporting/developer-space/{DEVELOPER}/licenses?limit=50&offset=50",
        f"/reporting/developer-space/{DEVELOPER}/licenses?offset=50&hosting=other",
        "https://evil.example/licenses?offset=50",
        "//evil.example/licenses?offset=50",
        "http://user:password@api.atlassian.com/x?offset=50",
        "?offset=50",
    ],
)
@pytest.mark.parametrize("bare", [True, False])
def test_whatever_the_next_link_looks_like_only_its_place_counts(tmp_path, link, bare):
    with requests_mock.Mocker() as mock:
        first = {"_links": {"next": link if bare else {"href": link}}, "licenses": [{"n": 1}], "totalCount": 2}
        last = {"_links": {}, "licenses": [{"n": 2}], "totalCount": 2}
        mock.get(f"{REPORTS}/licenses", [{"json": first}, {"json": last}])
        assert read(tmp_path / "a") == (None, [{"n": 1}, {"n": 2}])
        assert mock.request_history[1].qs == {
            "hosting": ["cloud", "server"], "startdate": ["2018-07-01"], "limit": ["50"], "offset": ["50"],
        }  # fmt: skip
        assert {request.scheme + request.netloc for request in mock.request_history} == {"httpsapi.atlassian.com"}


def answers(*totals_and_rows):
    """Pages of a list: for each reading its total and number of rows, page by page."""
    pages = []
    for reading in totals_and_rows:
        for number, (total, count) in enumerate(reading):
            following = {"next": f"?offset={number + 1}"} if number + 1 < len(reading) else {}
            rows = [{"n": number}] * count
            announced = {} if total is None else {"totalCount": total}
            pages.append({"json": {"_links": following, "licenses": rows, **announced}})
    return pages


@pytest.mark.parametrize(
    "moved",
    [
        [(3, 2), (4, 1)],  # the total grew
        [(4, 2), (3, 1)],  # or shrank, so that the row that came into its place was passed over
        [(4, 2), (4, 1)],  # rows are missing
        [(2, 2), (2, 1)],  # or came twice
    ],
)
def test_a_list_that_moves_is_read_again(tmp_path, moved, caplog):
    still = [(3, 2), (3, 1)]
    with requests_mock.Mocker() as mock:
        for count in (1, 2):
            mock.get(f"{REPORTS}/licenses", answers(*[moved] * count, still))
            doubt, rows = read(tmp_path / "a")
            assert doubt is None
            assert len(rows) == 3
            assert caplog.text.count("changed while it was read") == count
            caplog.clear()
        mock.get(f"{REPORTS}/licenses", answers(moved, moved, moved))
        doubt, rows = read(tmp_path / "a")
        assert "3 times; rows may be missing" in doubt
        assert len(rows) == 3


WHOLE, FAULTY = [(None, 2), (None, 1)], [(None, 2), (None, 0)]


@pytest.mark.parametrize(
    ("readings", "pages"), [([WHOLE, WHOLE], 4), ([FAULTY, WHOLE, WHOLE], 6), ([WHOLE, FAULTY, WHOLE], 6)]
)
def test_a_list_without_a_total_is_believed_when_it_gives_the_same_rows_twice(tmp_path, readings, pages):
    with requests_mock.Mocker() as mock:
        mock.get(f"{REPORTS}/licenses", answers(*readings))
        assert read(tmp_path / "a") == (None, [{"n": 0}, {"n": 0}, {"n": 1}])
        assert mock.call_count == pages


def test_a_list_without_a_total_that_gives_other_rows_each_time_is_doubted(tmp_path):
    with requests_mock.Mocker() as mock:
        mock.get(f"{REPORTS}/licenses", answers(WHOLE, FAULTY, [(None, 1), (None, 2)]))
        doubt, _ = read(tmp_path / "a")
        assert "tells no total" in doubt
        assert "3 times; rows may be missing" in doubt


def test_a_single_page_needs_no_total(tmp_path):
    with requests_mock.Mocker() as mock:
        mock.get(f"{REPORTS}/licenses", answers([(None, 2)]))
        assert read(tmp_path / "a") == (None, [{"n": 0}, {"n": 0}])
        assert mock.call_count == 1


def test_an_empty_page_without_a_total_is_not_believed_at_first_sight(tmp_path, caplog):
    with requests_mock.Mocker() as mock, caplog.at_level("INFO"):
        mock.get(f"{REPORTS}/licenses", answers([(None, 0)], [(None, 2)]))
        assert read(tmp_path / "a") == (None, [{"n": 0}] * 2)
        mock.get(f"{REPORTS}/licenses", answers([(None, 0)], [(2, 2)]))
        assert read(tmp_path / "a") == (None, [{"n": 0}] * 2)
        assert "was empty twice" not in caplog.text
        mock.get(f"{REPORTS}/licenses", answers([(None, 0)]))
        calls = mock.call_count
        assert read(tmp_path / "a") == (None, [])
        assert mock.call_count == calls + 2
        assert "The list of licenses was empty twice, and tells no total." in caplog.text
        mock.get(f"{REPORTS}/licenses", answers([(0, 0)]))
        assert read(tmp_path / "a") == (None, [])
        assert mock.call_count == calls + 3


@pytest.mark.parametrize("rows", [[], {"n": 1}])
def test_odd_pages(tmp_path, rows):
    """An empty list, and the single row that the API's description gives instead of one."""
    with requests_mock.Mocker() as mock:
        mock.get(f"{REPORTS}/sales/transactions", json={"transactions": rows})
        assert read(tmp_path / "a", "sales/transactions")[1] == ([rows] if isinstance(rows, dict) else [])


def test_pages_that_go_round_in_circles_end(tmp_path):
    with requests_mock.Mocker() as mock:
        mock.get(f"{REPORTS}/licenses", json={"_links": {"next": "?offset=1"}, "licenses": []})
        with pytest.raises(TroubleError, match="circles"):
            read(tmp_path / "a")


def test_a_next_page_without_a_place_is_not_the_first_one_again(tmp_path):
    page = {"_links": {"next": {"href": "?limit=50&hosting=cloud"}}, "licenses": [{"n": 1}]}
    with requests_mock.Mocker() as mock:
        # The mock ends what would read on for ever.
        mock.get(f"{REPORTS}/licenses", [{"json": page}] * 20 + [{"json": {"licenses": []}}])
        with pytest.raises(TroubleError, match="circles"):
            read(tmp_path / "a")
        assert mock.call_count == 1


@pytest.mark.parametrize("rows", [[], [{"n": 1}] * 50])
def test_pages_that_always_name_a_next_place_end(tmp_path, rows):
    def page(request, _):
        place = int(request.qs.get("offset", ["0"])[0])
        assert place <= 500
        return {"_links": {"next": f"?offset={place + 50}"}, "licenses": rows, "totalCount": 70}

    with requests_mock.Mocker() as mock:
        mock.get(f"{REPORTS}/licenses", json=page)
        with pytest.raises(TroubleError, match="circles"):
            read(tmp_path / "a")


@pytest.mark.parametrize("link", ["http://[x/?offset=1", "//[/licenses?offset=1"])
def test_a_link_that_is_no_address_is_an_error(tmp_path, link):
    with requests_mock.Mocker() as mock:
        mock.get(f"{REPORTS}/licenses", json={"_links": {"next": {"href": link}}, "licenses": [{"n": 1}]})
        with pytest.raises(TroubleError, match="a link to the next page that is no address"):
            read(tmp_path / "a")


ALIKE = [{"n": 1}] * 150
OTHERS = [{"n": n} for n in range(150)]


@pytest.mark.parametrize(
    "pages",
    [
        [ALIKE[:50]] * 3,
        [OTHERS[:50], [], [], OTHERS[50:100], OTHERS[100:]],
        [OTHERS[:50], *[[]] * 5, OTHERS[50:100], OTHERS[50:100], OTHERS[50:100], []],
    ],
)
@pytest.mark.parametrize("has_total", [True, False])
def test_pages_may_be_alike_or_empty(tmp_path, pages, has_total):
    rows = [row for page in pages for row in page]
    total = {"totalCount": len(rows)} if has_total else {}

    def page(request, _):
        number = int(request.qs.get("offset", ["0"])[0])
        following = {"next": f"?offset={number + 1}"} if number + 1 < len(pages) else {}
        return {"_links": following, "licenses": pages[number], **total}

    with requests_mock.Mocker() as mock:
        mock.get(f"{REPORTS}/licenses", json=page)
        assert read(tmp_path / "a") == (None, rows)


def test_many_rows_that_are_alike_come_as_long_as_there_are_no_more_than_the_total(marketplace):
    anonymous = row_of("feedback/details", date="2026-02-01")
    fake = marketplace(others={"feedback/details": [anonymous] * 1000})
    assert len(run(streams=["feedback"]).records("feedback")) == 1
    assert len(fake.pages) == 2 * 20


@pytest.mark.parametrize(
    "page", ["{}", '{"licenses": 1}', '{"licenses": [], "totalCount": "many"}', "[]", "<html>", ""]
)
def test_a_page_that_cannot_be_read_is_an_error(tmp_path, page):
    with requests_mock.Mocker() as mock:
        mock.get(f"{REPORTS}/licenses", text=page)
        with pytest.raises(TroubleError, match=r"cannot be read|not JSON"):
            read(tmp_path / "a")


def test_reading_ends_with_the_run(marketplace, tmp_path):
    marketplace([license_row(1)])

    def stopped():
        raise InterruptedError

    with pytest.raises(InterruptedError):
        read(tmp_path / "a", go_on=stopped)

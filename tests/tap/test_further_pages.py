"""Pages of the streams that have no export: which are believed, which asked for again, and which fail the stream."""

from __future__ import annotations

import re

import pytest
import requests_mock
from tests.tap.every_other_field import REPORTS, row_of
from tests.tap.fake_marketplace import DEVELOPER, URL, license_row, run
from tests.tap.test_versions import activated

from tap_atlassian_marketplace.errors import StreamsFailedError


def test_reviews_that_are_fewer_than_their_total_are_read_again_and_then_doubted(marketplace):
    fake = marketplace()
    calls = []

    def answer(request, _):
        calls.append(request.path)
        return {"reviews": [{"id": request.path.rsplit("/", 2)[1]}], "count": 2}

    fake.mock.get(re.compile(rf"{re.escape(URL)}/products/[^/]+/reviews"), json=answer)
    with pytest.raises(StreamsFailedError, match=r"speaks of 2 reviews of com\.example\.one, but 1 came"):
        run(streams=["reviews"])
    assert len(calls) == 4  # of two apps, each read twice


def test_an_app_that_is_not_public_has_neither_versions_nor_reviews(marketplace):
    fake = marketplace()
    for path in ("app-software/app-key/com.example.two", "products/product-2/reviews"):
        fake.mock.get(re.compile(rf"{re.escape(URL)}/{path}"), status_code=404, json={"errors": []})
    fake.rows["app_versions"], fake.rows["reviews"] = [row_of("app_versions")], [row_of("reviews")]
    output = run(streams=["app_versions", "reviews"])
    assert [len(output.records(name)) for name in ("app_versions", "reviews")] == [1, 1]


@pytest.mark.parametrize(
    ("stream", "path", "page"),
    [
        (
            "app_versions",
            "app-software/com.example.one-cloud/versions",
            {"versions": [{"buildNumber": 1}], "links": {"next": "/x?cursor=2"}},
        ),
        ("reviews", "products/product-1/reviews", {"reviews": [{"id": "r"}], "cursor": "2"}),
    ],
)
def test_a_later_page_that_is_not_found_fails_the_stream(marketplace, stream, path, page):
    def answer(request, context):
        if "cursor" in request.qs:
            context.status_code = 404
            return {"errors": []}
        return page

    marketplace().mock.get(re.compile(rf"{re.escape(URL)}/{path}"), json=answer)
    with pytest.raises(StreamsFailedError, match=rf"^{stream}: .*HTTP 404.*of com\.example\.one that the page before"):
        run(streams=[stream])


@pytest.mark.parametrize("software", ["odd", None, {"hosting": "cloud"}])
def test_software_that_is_none_fails_the_stream_with_one_line(marketplace, software):
    marketplace().mock.get(re.compile(rf"{re.escape(URL)}/app-software/app-key/"), json=[software])
    with pytest.raises(StreamsFailedError, match=r"^app_versions: .*software of com\.example\.one that has no"):
        run(streams=["app_versions"])


@pytest.mark.parametrize(
    ("stream", "path", "body"),
    [
        ("apps", "product-listing/", {"items": [{"productId": "p"}], "links": {"next": "/x?cursor=again"}}),
        ("reviews", "products/", {"reviews": [{"id": "r"}], "cursor": "again"}),
    ],
)
def test_pages_by_cursor_that_go_round_in_circles_end(marketplace, stream, path, body):
    marketplace().mock.get(re.compile(rf"{re.escape(URL)}/{path}"), json=body)
    with pytest.raises(StreamsFailedError, match=f"^{stream}: .*go round in circles"):
        run(streams=[stream])


@pytest.mark.parametrize(
    ("stream", "path", "body"),
    [
        ("apps", "product-listing/", {"items": ["none"], "links": {}}),
        ("apps", "product-listing/", {"items": [{"productId": "p"}], "links": {"next": "http://[x/?cursor=1"}}),
        ("reviews", "products/", {"reviews": {"a": 1}, "count": "many"}),
        ("app_versions", "app-software/[^/]+/versions", {"versions": [5]}),
        ("recurring_revenue", "partner-metrics/", {"records": [5]}),
    ],
)
def test_pages_that_cannot_be_read_fail_their_stream_alone(marketplace, stream, path, body):
    fake = marketplace([license_row(1)])
    fake.mock.register_uri(requests_mock.ANY, re.compile(rf"{re.escape(URL)}/{path}"), json=body)
    with pytest.raises(StreamsFailedError, match=f"^{stream}: ") as caught:
        run(streams=[stream, "licenses"])
    assert len(caught.value.lines) == 1


def test_a_report_that_the_account_may_not_read_fails_its_stream_alone(marketplace):
    fake = marketplace([license_row(1)])
    fake.mock.post(re.compile(r".*/quotes/async/export"), status_code=403, json={"message": "Forbidden"})
    with pytest.raises(StreamsFailedError, match=r"^quotes: The account may not read .*HTTP 403"):
        run(streams=["licenses", "quotes", "feedback"])


EMPTY_ONCE = {
    "apps": (
        rf"/product-listing/developer-space/{DEVELOPER}\?limit=50&includePrivate=true$",
        {"items": [], "links": {}},
    ),
    "app_versions": ("/app-software/app-key/com.example.one", []),
    "reviews": ("/products/product-1/reviews", {"reviews": []}),
    "recurring_revenue": ("/partner-metrics/", {"records": []}),
    "marketing_attribution": (r"/async/export/\d+$", []),
}


@pytest.mark.parametrize("stream", EMPTY_ONCE)
@pytest.mark.parametrize("times", [1, 9])
def test_an_empty_answer_that_tells_no_total_is_asked_for_once_more(marketplace, stream, times):
    report = next(report for report, name in REPORTS.items() if name == stream)
    fake = marketplace(others={report: [row_of(report)]})
    place, nothing = EMPTY_ONCE[stream]
    asked = []

    def lacks_rows(request):
        if not re.search(place, request.url) or len(asked) == times:
            return None
        asked.append(request.url)
        return requests_mock.create_response(request, json=nothing)

    fake.mock.add_matcher(lacks_rows)
    output = run(streams=[stream])
    assert len(output.records(stream)) == (1 if times == 1 else 0)
    questions = 4 if stream == "recurring_revenue" else 1  # of six months each
    assert len(asked) == (1 if times == 1 else 2 * questions)


@pytest.mark.parametrize("following", [{}, {"next": "/x?cursor=place-2"}], ids=["last", "in between"])
def test_an_empty_later_page_of_apps_is_asked_for_once_more(marketplace, following):
    fake = marketplace(others={"apps": [row_of("apps", productId=f"p{number}") for number in range(3)]})
    fake.largest_page = 1
    faults = [requests_mock.create_response]

    def lacks_rows(request):
        is_hit = "cursor=place-1" in request.url and faults
        return faults.pop()(request, json={"items": [], "links": following}) if is_hit else None

    fake.mock.add_matcher(lacks_rows)
    assert [app["productId"] for app in run(streams=["apps"]).records("apps")] == ["p0", "p1", "p2"]
    assert not faults


@pytest.mark.parametrize("stream", ["apps", "reviews"])
def test_a_next_page_of_apps_without_a_cursor_is_not_taken_for_none(marketplace, stream):
    page = {"items": [{"appKey": "com.example.one", "productId": "p"}], "links": {"next": "/x?limit=50&after=2"}}
    marketplace().mock.get(re.compile(rf"{re.escape(URL)}/product-listing/"), json=page)
    with pytest.raises(StreamsFailedError, match=f"^{stream}: .*the next page that names no place"):
        run(streams=[stream])


def of_each_app(fake):
    """Let each app have a review and a version of its own."""
    mock = fake.mock
    mock.get(
        re.compile(rf"{re.escape(URL)}/products/[^/]+/reviews\?"),
        json=lambda request, _: {"reviews": [{"id": request.path.rsplit("/", 2)[1]}], "count": 1},
    )
    mock.get(
        re.compile(rf"{re.escape(URL)}/app-software/[^/]+/versions\?"),
        json={"versions": [{"buildNumber": 1}], "totalCount": 1},
    )


OF_APPS = ["app_versions", "reviews"]


def test_an_app_that_the_list_of_apps_passed_over_has_its_rows_and_tells_nothing_gone(marketplace, caplog):
    fake = marketplace(others={"apps": [{"appKey": f"com.x{n}", "productId": f"x-{n}"} for n in range(5)]})
    of_each_app(fake)
    assert set(activated(run(streams=OF_APPS))) == set(OF_APPS)
    fake.largest_page = 3
    # An app of the first page goes, so that the first of the second comes to that page, after it was read.
    fake.changes = [lambda: fake.rows["apps"].pop(0)]
    with caplog.at_level("INFO"):
        output = run(streams=["reviews"])
    assert [row["id"] for row in output.records("reviews")] == ["x-1", "x-2", "x-3", "x-4"]
    assert not activated(output)
    assert "since the apps were not the same each of 2 times" in caplog.text
    fake.changes = [lambda: fake.rows["apps"].append(fake.rows["apps"].pop(0))]
    assert not activated(run(streams=["app_versions"]))


@pytest.mark.parametrize("odd", [{"productId": "product-1"}, {"appKey": "", "productId": "p"}, {"appKey": "com.x"}, 5])
def test_an_app_that_lacks_key_or_product_is_told_and_none_of_its_rows_is_gone(marketplace, caplog, odd):
    fake = marketplace(others={"apps": [odd, {"appKey": "com.x2", "productId": "x-2"}]})
    of_each_app(fake)
    output = run(streams=OF_APPS)
    assert [row["productId"] for stream in OF_APPS for row in output.records(stream)] == ["x-2", "x-2"]
    assert not activated(output)
    assert "1 apps without an `appKey` or a `productId` were passed over" in caplog.text

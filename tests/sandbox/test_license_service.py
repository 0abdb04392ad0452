"""The License Service: who may import, what it refuses, what it takes though it is wrong, and what it keeps."""

import threading
from datetime import datetime, timedelta, timezone

import pytest
import requests

from marketplace_sandbox import credentials
from marketplace_sandbox.license_service import today as clock
from marketplace_sandbox.server import running
from marketplace_sandbox.world.apps import FORMS, LEGACY, TIMESHEETS

TODAY = "2026-03-02"
BODY = {
    "id": "OLD-7",
    "email": "Ada@acme.example",
    "firstName": "Ada",
    "lastName": "Byron",
    "organisationName": "Acme",
    "isoCountryCode": "DE",
    "startDate": "2025-01-01",
    "endDate": "2027-01-01",
    "licenseType": "COMMERCIAL",
    "users": 25,
}
KEY = (TIMESHEETS, "OLD-7")
SECONDS = 10


@pytest.fixture(scope="module")
def service():
    with running(license_service_today=TODAY) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def nothing_imported(request):
    if "service" in request.fixturenames:
        state = request.getfixturevalue("service").license_service
        for held in (state.licenses, state.faulty, state.accounts):
            held.clear()


def call(sandbox, method="POST", app=TIMESHEETS, *, email=credentials.VENDOR_EMAIL, token="sandbox-token", **kwargs):
    url = f"{sandbox.license_service_url}/rest/1.0/plugins/{app}/license"
    return requests.request(method, url, auth=(email, token), timeout=SECONDS, **kwargs)


def send(sandbox, app=TIMESHEETS, **fields):
    return call(sandbox, app=app, json={**BODY, **fields})


def paths(response):
    assert response.status_code == 400, response.text
    return [error["path"] for error in response.json()["errors"]]


def messages(response):
    return [error["message"] for error in response.json()["errors"]]


def test_a_license_is_issued(service):
    response = send(service)
    assert response.status_code == 200
    answer = response.json()
    assert set(answer) == {"id", "sen", "licenseKey"}
    assert answer["id"] == "OLD-7"
    assert answer["sen"].startswith("SEN-L")
    assert len(answer["licenseKey"]) == 600
    assert answer["licenseKey"].split() == [answer["licenseKey"]]
    assert service.license_service.licenses[KEY].answer() == answer
    assert service.license_service.licenses[KEY].body == BODY
    assert service.license_service.faulty == {}


def test_number_and_key_follow_from_seed_app_and_id(fresh):
    first = send(fresh).json()
    others = [send(fresh, FORMS).json(), send(fresh, id="OLD-8").json()]
    with running(license_service_today=TODAY, seed=2) as other:
        others.append(send(other).json())
    with running(license_service_today=TODAY) as again:
        assert send(again).json() == first
    assert len({answer["sen"] for answer in (first, *others)}) == 4
    assert len({answer["licenseKey"] for answer in (first, *others)}) == 4


def test_the_first_import_of_an_id_is_answered_for_ever(service):
    first = send(service)
    service.journal.clear()
    again, different = send(service), send(service, users=500, email="eve@other.example", licenseType="?")
    assert (again.status_code, different.status_code) == (409, 409)
    assert first.json() == again.json() == different.json()
    assert service.license_service.licenses[KEY].body == BODY
    assert service.license_service.faulty == {}
    assert set(service.license_service.accounts) == {"ada@acme.example"}
    assert [entry["stored"] for entry in service.journal.calls] == [False, False]


@pytest.mark.parametrize(("ids_first", "status"), [(True, 409), (False, 400)])
def test_which_of_two_reasons_comes_first_can_be_chosen(service, monkeypatch, ids_first, status):
    first = send(service)
    monkeypatch.setattr(service.license_service, "knows_ids_first", ids_first)
    again = send(service, startDate=TODAY)
    assert again.status_code == status
    assert (again.json() == first.json()) is ids_first
    assert send(service, id="OLD-8", startDate=TODAY).status_code == 400


def test_an_id_belongs_to_one_app(service):
    assert send(service).status_code == 200
    assert send(service, LEGACY).status_code == 200
    assert list(service.license_service.licenses) == [KEY, (LEGACY, "OLD-7")]


def test_two_imports_at_once_issue_one_license(service):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(send(service))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert len({answer.text for answer in answers}) == 1


def test_an_account_is_made_once_for_an_address(service):
    send(service)
    send(service, id="OLD-8", email="ada@ACME.example", firstName="Augusta")
    send(service, id="OLD-9", email="grace@acme.example")
    names = {name: BODY[name] for name in ("firstName", "lastName", "organisationName")}
    assert service.license_service.accounts == {"ada@acme.example": names, "grace@acme.example": names}


@pytest.mark.parametrize(
    ("email", "token", "status"),
    [
        (credentials.VENDOR_EMAIL, "expired", 401),
        (credentials.UNAPPROVED_EMAIL, "expired", 401),
        ("nobody@sandbox.example", credentials.API_TOKEN, 401),
        (credentials.OTHER_VENDOR_EMAIL, credentials.API_TOKEN, 403),
        (credentials.UNAPPROVED_EMAIL, credentials.API_TOKEN, 403),
        (credentials.NO_REPORTS_EMAIL, credentials.API_TOKEN, 200),
    ],
)
def test_who_may_import(service, email, token, status):
    assert call(service, email=email, token=token, json=BODY).status_code == status
    assert bool(service.license_service.licenses) == (status == 200)


@pytest.mark.parametrize("header", [None, "Bearer sandbox-token", "Basic %%%"])
def test_anything_but_basic_credentials_is_401(service, header):
    url = f"{service.license_service_url}/rest/1.0/plugins/{TIMESHEETS}/license"
    headers = {"Authorization": header} if header else {}
    assert requests.post(url, json=BODY, headers=headers, timeout=SECONDS).status_code == 401


def test_the_two_reasons_for_403_differ(service):
    other = call(service, email=credentials.OTHER_VENDOR_EMAIL, json=BODY)
    unapproved = call(service, email=credentials.UNAPPROVED_EMAIL, json=BODY)
    assert "vendor of this app" in messages(other)[0]
    assert "not authorised" in messages(unapproved)[0]


@pytest.mark.parametrize("email", [credentials.OTHER_VENDOR_EMAIL, credentials.UNAPPROVED_EMAIL])
def test_these_two_are_unknown_to_the_marketplace(service, email):
    url = f"{service.marketplace_url}/rest/3/developer-space/{credentials.DEVELOPER_ID}"
    assert requests.get(url, auth=(email, credentials.API_TOKEN), timeout=SECONDS).status_code == 401


def test_an_unknown_app_is_404(service):
    assert send(service, "com.sandbox.nothing").status_code == 404
    url = f"{service.license_service_url}/rest/1.0/plugins/{TIMESHEETS}"
    auth = (credentials.VENDOR_EMAIL, credentials.API_TOKEN)
    assert requests.post(url, json=BODY, auth=auth, timeout=SECONDS).status_code == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_only_post_is_allowed(service, method):
    response = call(service, method, json=BODY)
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"
    assert service.license_service.licenses == {}


@pytest.mark.parametrize("text", ["", "{", "[]", '"text"', "null", '{"users": NaN}', b"\xff", "[" * 100_000])
def test_what_is_no_json_object_is_400(service, text):
    response = call(service, data=text)
    assert response.status_code == 400
    assert messages(response) == ["The request body is not a valid JSON object."]


@pytest.mark.parametrize("field", BODY)
def test_a_required_field_is_missed(service, field):
    without = {name: value for name, value in BODY.items() if name != field}
    assert paths(call(service, json=without)) == [field]
    assert paths(send(service, **{field: None})) == [field]
    assert paths(send(service, **{field: ""})) == [field]
    assert service.license_service.licenses == {}


def test_all_that_is_refused_is_told_at_once(service):
    response = send(service, id="", startDate=TODAY, expertEmail="nobody@acme.example")
    assert paths(response) == ["id", "startDate", "expertEmail"]
    assert "30 days" in messages(response)[1]


@pytest.mark.parametrize(
    ("start", "refused"),
    [
        ("2026-01-30", False),
        ("2026-01-31", True),
        ("2026-02-15", True),
        (TODAY, True),
        ("2026-03-03", False),
        ("2026-12-31", False),
    ],
)
def test_no_license_starts_within_the_last_thirty_days(service, start, refused):
    response = send(service, startDate=start)
    assert response.status_code == (400 if refused else 200)
    assert service.license_service.faulty == {}
    if refused:
        assert paths(response) == ["startDate"]


def test_the_present_is_sydneys_by_the_clock_whatever_day_the_world_is_in():
    with running(today="2020-05-05") as sandbox:
        # Sydney is ten or eleven hours ahead; asked twice, for midnight may pass.
        before = datetime.now(timezone(timedelta(hours=10))).date()
        today = sandbox.license_service.today()
        after = datetime.now(timezone(timedelta(hours=11))).date()
        assert before <= today <= after
        assert send(sandbox, startDate=today.isoformat()).status_code == 400
        assert send(sandbox, startDate="2020-05-05", endDate="2099-01-01").status_code == 200


def test_the_day_begins_at_midnight_in_sydney(monkeypatch):
    class Evening(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2026, 3, 2, 13, 30, tzinfo=timezone.utc).astimezone(tz)

    monkeypatch.setattr(clock, "datetime", Evening)
    assert clock.sydney_today().isoformat() == "2026-03-03"


@pytest.mark.parametrize(
    ("expert", "status"),
    [
        ("sales@blueprint-solutions-sbx.com", 200),
        ("sales@Tooling-House-sbx.com", 200),
        (None, 200),
        ("", 200),
        ("sales@license-depot-sbx.com", 400),
        ("ada@acme.example", 400),
        ("blueprint-solutions-sbx.com", 400),
        (7, 400),
    ],
)
def test_an_expert_is_a_solution_partner(service, expert, status):
    response = send(service, expertEmail=expert)
    assert response.status_code == status
    if status == 400:
        assert paths(response) == ["expertEmail"]
    assert service.license_service.faulty == {}


@pytest.mark.parametrize(
    "fields",
    [
        {"users": -1},
        {"users": 1},
        {"licenseType": "ACADEMIC"},
        {"address1": "Street 1", "address2": "", "city": "Ulm", "state": None, "postcode": "89073"},
    ],
)
def test_a_sound_license(service, fields):
    assert send(service, **fields).status_code == 200
    assert service.license_service.faulty == {}


@pytest.mark.parametrize(
    ("fields", "reasons"),
    [
        ({"isoCountryCode": "USA"}, ["isoCountryCode: not two capital letters"]),
        ({"isoCountryCode": "de"}, ["isoCountryCode: not two capital letters"]),
        ({"isoCountryCode": "XX"}, ["isoCountryCode: not two capital letters"]),
        ({"isoCountryCode": "KP"}, ["isoCountryCode: the Marketplace does not sell"]),
        ({"isoCountryCode": ["DE"]}, ["isoCountryCode: not text", "isoCountryCode: not two"]),
        ({"startDate": "2025/01/01"}, ["startDate: no date"]),
        ({"startDate": "2026/03/01"}, ["startDate: no date"]),
        ({"startDate": "2026-3-1"}, ["startDate: no date"]),
        ({"startDate": "2026-W10-1"}, ["startDate: no date"]),
        ({"endDate": "2026-02-30"}, ["endDate: no date"]),
        ({"endDate": 20270101}, ["endDate: not text", "endDate: no date"]),
        ({"endDate": "2024-12-31"}, ["endDate: not after startDate"]),
        ({"endDate": "2025-01-01"}, ["endDate: not after startDate"]),
        ({"licenseType": "commercial"}, ["licenseType: none of COMMERCIAL, ACADEMIC"]),
        ({"users": "25"}, ["users: no whole number"]),
        ({"users": 25.0}, ["users: no whole number"]),
        ({"users": True}, ["users: no whole number"]),
        ({"users": 0}, ["users: no whole number"]),
        ({"users": -2}, ["users: no whole number"]),
        ({"email": "ada"}, ["email: no e-mail address"]),
        ({"firstName": " "}, ["firstName: blank"]),
        ({"city": 7}, ["city: not text"]),
        ({"lastName": "\ud800"}, ["lastName: not Unicode"]),
        ({"organizationName": "Acme"}, ["organizationName: no field of the API"]),
        ({"isoCountryCode": "USA", "users": "x"}, ["isoCountryCode: not two", "users: no whole"]),
    ],
)
def test_wrong_data_is_taken_and_noted(service, fields, reasons):
    assert send(service, **fields).status_code == 200
    (found,) = service.license_service.faulty.values()
    assert list(service.license_service.faulty) == [KEY]
    assert len(found) == len(reasons)
    assert all(line.startswith(reason) for line, reason in zip(found, reasons, strict=True))


@pytest.mark.parametrize(("given", "kept"), [(7, "7"), ([1], "[1]"), ("\ud800", "\ud800")])
def test_an_id_that_is_no_text_is_taken_too(service, given, kept):
    first, again = send(service, id=given), send(service, id=given)
    assert (first.status_code, again.status_code) == (200, 409)
    assert first.json() == again.json()
    assert first.json()["id"] == kept
    assert list(service.license_service.faulty) == [(TIMESHEETS, kept)]


def test_what_was_imported_is_shown(service):
    answer = send(service, users="25").json()
    shown = requests.get(f"{service.url}/_licenses", timeout=SECONDS).json()
    assert shown["today"] == TODAY
    (row,) = shown["licenses"]
    (reason,) = row.pop("faulty")
    assert reason.startswith("users: ")
    assert row == {"appKey": TIMESHEETS, **answer, "body": {**BODY, "users": "25"}}
    assert shown["accounts"] == service.license_service.accounts


def test_imports_are_journalled_without_credentials(service):
    service.journal.clear()
    send(service)
    send(service, id="")
    call(service, "GET")
    answer = requests.get(f"{service.url}/_calls", timeout=SECONDS)
    calls = answer.json()["calls"]
    assert calls[0] == {
        "side": "license-service",
        "kind": "license",
        "method": "POST",
        "path": f"/license-service/rest/1.0/plugins/{TIMESHEETS}/license",
        "query": "",
        "status": 200,
        "stored": True,
        "fault": None,
        "body": BODY,
    }
    assert [(entry["kind"], entry["status"], entry["stored"]) for entry in calls[1:]] == [
        ("license", 400, False),
        ("other", 405, False),
    ]
    assert credentials.API_TOKEN not in answer.text
    assert credentials.VENDOR_EMAIL not in answer.text
    assert service.journal.accepted() == {}


@pytest.mark.parametrize("scope", [{"kind": "license"}, {"side": "license-service"}, {"path": TIMESHEETS}])
def test_a_lost_answer_is_found_again(fresh, scope):
    fresh.faults.add("drop-after", times=1, **scope)
    with pytest.raises(requests.ConnectionError):
        send(fresh)
    again = send(fresh)
    assert again.status_code == 409
    assert fresh.license_service.licenses[KEY].answer() == again.json()


def test_a_redirect_tells_who_would_follow_it(fresh):
    fresh.faults.add("redirect", kind="license")
    response = call(fresh, json=BODY, allow_redirects=False)
    assert response.headers["Location"].startswith(f"{fresh.foreign.url}/license-service/rest/1.0/")
    assert fresh.license_service.licenses == {}


@pytest.mark.parametrize(("when", "stored"), [("before-store", False), ("after-store", True), ("mid-answer", True)])
def test_an_import_is_held(fresh, when, stored):
    fresh.gates.hold(when, kind="license")
    answers = []
    thread = threading.Thread(target=lambda: answers.append(send(fresh).status_code), daemon=True)
    thread.start()
    (held,) = fresh.gates.wait(SECONDS)
    assert (held["side"], held["kind"]) == ("license-service", "license")
    assert bool(fresh.license_service.licenses) == stored
    fresh.gates.release()
    thread.join(SECONDS)
    assert answers == [200]


def test_imports_do_not_count_as_calls_of_journy(fresh):
    send(fresh)
    fresh.faults.add("429-plain", kind="license")
    assert send(fresh).status_code == 429
    assert (fresh.rate.snapshot()["accepted"], fresh.rate.snapshot()["refused"]) == (0, 0)


def test_a_wrong_day_is_named():
    with pytest.raises(ValueError, match="tomorrow"), running(license_service_today="tomorrow"):
        pytest.fail("that is no date")

"""What the Marketplace shows of the vendor's apps: the software behind them, its versions, and reviews."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketplace_sandbox.world.calendar import shift
from marketplace_sandbox.world.derived import dice, uuid_of
from marketplace_sandbox.world.rows import ABSENT, present

if TYPE_CHECKING:
    from marketplace_sandbox.world.apps import App
    from marketplace_sandbox.world.rows import Row

_FIRST_RELEASE = "2019-02-04"
_DAYS_BETWEEN = 37
_MOST_VERSIONS = 60
_FEWEST_REVIEWS = 20
_MOST_REVIEWS = 160
_WORDS = ("Does what it says.", "Great support!", "Good, but slow\r\nwith big sites.", "Ne marche plus.", "")


def software(app: App) -> list[Row]:
    """The software of an app: one for each hosting."""
    hostings = ("cloud",) if app.always_free else ("cloud", "datacenter", "server")
    return [
        {
            "appSoftwareId": uuid_of("software", app.product_id, hosting),
            "hosting": hosting,
            "complianceBoundaries": ["commercial"] if hosting == "cloud" else None,
            "archived": hosting == "server",
        }
        for hosting in hostings
    ]


def versions(app: App, hosting: str) -> list[Row]:
    """The versions of a software, newest first."""
    count = dice("versions", app.product_id, hosting).randint(3, _MOST_VERSIONS)
    return [_version(app, hosting, number) for number in range(count, 0, -1)]


def reviews(app: App) -> list[Row]:
    """The reviews of an app, newest first; an app that is not public has none."""
    if app.state != "PUBLIC":
        return []
    count = dice("reviews", app.product_id).randint(_FEWEST_REVIEWS, _MOST_REVIEWS)
    return [_review(app, number) for number in range(count, 0, -1)]


def listing_details(app: App) -> Row:
    """What an app's row in the list of products says beyond its name and state."""
    chance = dice("listing", app.product_id)
    slug = app.name.lower().replace(" ", "-")
    return present(
        {
            "tagLine": f"{app.name}, made simple" if chance.random() < 0.7 else None,
            "images": {"iconFileId": uuid_of("icon", app.product_id), "bannerFileId": None},
            "tags": {
                "category": [{"id": "reports", "name": "Reports"}, {"id": "admin", "name": "Admin tools"}],
                "keywords": [],
            },
            "developerLinks": {"issueTracker": f"https://issues.sandbox.example/{slug}", "privacy": None},
            "thirdPartyIntegrations": {"googleAnalytics4Id": None} if chance.random() < 0.5 else None,
            "enrolledPrograms": [{"id": "cloudFortified", "hostingType": "CLOUD", "status": "NON_PARTICIPANT"}],
            "legacyListingDetails": {"description": f"About {app.name}"} if app.state == "ARCHIVED" else ABSENT,
            "approvalDetails": {"approvalDate": f"{_FIRST_RELEASE}T09:30:00Z", "issueKey": None},
            "hostingVisibility": {"cloud": "site", "server": None},
            "stateAfterApproval": None,
            "marketingLabels": ["spotlight"] if app.always_free else None,
            # Not in the API's description.
            "runsOnAtlassian": not app.always_free,
        }
    )


def _version(app: App, hosting: str, number: int) -> Row:
    chance = dice("version", app.product_id, hosting, number)
    released = shift(_FIRST_RELEASE, days=_DAYS_BETWEEN * number)
    cloud = hosting == "cloud"
    framework: Row = (
        {
            "frameworkId": "connect",
            "attributes": {"frameworkId": "connect", "descriptorId": app.key, "scopes": ["READ"]},
        }
        if cloud
        else {"frameworkId": "plugin", "attributes": {"frameworkId": "plugin", "artifactId": f"{app.key}-{number}"}}
    )
    low: Any = None if cloud else 80_000 + number
    return present(
        {
            "buildNumber": number * 10 + (0 if cloud else 1_000_000),
            "versionNumber": f"{number // 10 + 1}.{number % 10}.0",
            "compatibilities": [{"parentSoftwareId": "jira", "minBuildNumber": low, "maxBuildNumber": None}],
            "supportedPaymentModel": "free" if app.always_free else "paid-via-atlassian",
            "frameworkDetails": framework,
            "licenseType": {"id": "commercial", "name": "Commercial", "link": None},
            "sourceCodeLicense": None,
            "changelog": {"releaseSummary": chance.choice(("Bug fixes", None)), "releaseNotes": "See the summary."},
            "supported": True,
            "beta": chance.random() < 0.1,
            "state": chance.choice(("active", "active", "archived", "superseded")),
            "revision": 1,
            "approvalDetails": None,
            "releaseDetails": {"releasedAt": f"{released}T10:00:00Z", "releasedBy": None},
            "editionsEnabled": cloud,
            "createdBy": "release-bot@sandbox.example" if chance.random() < 0.5 else ABSENT,
            "createdAt": f"{released}T08:00:00Z",
            # Not in the API's description.
            "scanStatus": chance.choice(("PASSED", None)),
        }
    )


def _review(app: App, number: int) -> Row:
    chance = dice("review", app.product_id, number)
    votes = chance.randint(0, 20)
    return present(
        {
            "id": uuid_of("review", app.product_id, number),
            "content": chance.choice(_WORDS),
            "responseContent": "Thank you!" if chance.random() < 0.4 else None,
            "stars": chance.randint(1, 5),
            "date": f"{shift(_FIRST_RELEASE, days=20 * number)}T{number % 24:02}:15:00Z",
            "totalVotes": votes,
            "helpfulVotes": votes // 2,
            "productHosting": chance.choice(("cloud", "datacenter", "server", "isolated-cloud")),
            "isFlagged": False,
            "authorName": chance.choice(("Jo M.", "An admin", None)),
            "transitionedToFiveStarRating": chance.choice((False, None, ABSENT)),
            # Not in the API's description.
            "language": chance.choice(("en", "fr", ABSENT)),
        }
    )

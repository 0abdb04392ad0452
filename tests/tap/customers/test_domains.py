from __future__ import annotations

import pytest

from tap_atlassian_marketplace.customers.domains import (
    ATLASSIAN,
    BUSINESS,
    DISPOSABLE,
    FREE,
    OWN,
    PARTNER,
    DomainClasses,
    email_domain,
    registrable_domain,
)
from target_journy.domains import business_domain

CLASSES = DomainClasses.of(
    own=["Vendor.example.com", "@us.com.au"], partner=["solver.de", "gmail.com"], free_extra=["my-isp.net"]
)


@pytest.mark.parametrize(
    ("email", "name"),
    [
        ("dev@vendor.example.com", OWN),
        ("dev@mail.us.com.au", OWN),
        ("someone@atlassian.com", ATLASSIAN),
        ("someone@team.atlassian.com", ATLASSIAN),
        ("bot@acme.atlassian.net", ATLASSIAN),
        ("x@mailinator.com", DISPOSABLE),
        ("Ann@GMAIL.com ", FREE),
        ("x@googlemail.com", FREE),
        ("x@my-isp.net", FREE),
        ("sales@solver.de", PARTNER),
        ("sales@eu.solver.de", PARTNER),
        ("buyer@support.bosch.com.br", BUSINESS),
        ("root@localhost", BUSINESS),
        ("nobody", None),
        ("nobody@", None),
        ("", None),
        (None, None),
    ],
)
def test_class_of_an_address(email, name):
    assert CLASSES.of_email(email) == name


@pytest.mark.parametrize(
    "domain",
    [
        *("hey.com", "tutanota.com", "tuta.io", "mailbox.org", "proximus.be"),
        *("bbox.fr", "sfr.fr", "a1.net", "online.de", "hispeed.ch"),
    ],
)
def test_mailbox_providers_that_the_lists_miss(domain):
    assert DomainClasses().of_domain(domain) == FREE


def test_the_first_class_that_fits_counts():
    everywhere = ["gmail.com"]
    assert DomainClasses.of(own=everywhere, partner=everywhere).of_domain("gmail.com") == OWN
    assert DomainClasses.of(partner=everywhere).of_domain("gmail.com") == FREE
    assert DomainClasses.of(own=["atlassian.com"]).of_domain("atlassian.com") == OWN


@pytest.mark.parametrize(
    ("domain", "registrable"),
    [
        ("bbc.co.uk", "bbc.co.uk"),
        ("support.bosch.com.br", "bosch.com.br"),
        ("foo.atlassian.net", "atlassian.net"),
        ("localhost", None),
        ("co.uk", None),
        ("127.0.0.1", None),
    ],
)
def test_registrable_domain(domain, registrable):
    assert registrable_domain(domain) == registrable


def test_email_domain():
    assert email_domain('"a@b"@Example.COM') == "example.com"


def test_business_domain_is_the_first_of_the_customer():
    emails = [None, "x@gmail.com", "dev@us.com.au", "sales@solver.de", "it@mail.acme.co.uk", "it@later.com"]
    assert CLASSES.business_domain(emails) == "acme.co.uk"
    assert CLASSES.business_domain(emails[:4]) is None
    assert CLASSES.business_domain(["root@localhost"]) is None


@pytest.mark.parametrize(
    "email",
    [
        *("it@mail.acme.co.uk", "x@gmail.com", "x@hey.com", "x@hispeed.ch", "x@proximus.be", "x@mailinator.com"),
        *("x@atlassian.com", "x@acme.atlassian.net", "x@localhost", "x@sky.com", "nobody", "x@Solver.DE"),
    ],
)
def test_the_preset_of_raw_rows_sees_the_same_business_domains(email):
    assert DomainClasses().business_domain([email]) == business_domain(email)

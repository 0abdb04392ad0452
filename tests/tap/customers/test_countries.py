from __future__ import annotations

import pycountry
import pytest

from tap_atlassian_marketplace.customers.countries import _ALIASES, country_code


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Russia", "RU"),
        ("Turkey", "TR"),
        ("Türkiye", "TR"),
        ("UK", "GB"),
        ("Great Britain", "GB"),
        ("Macau", "MO"),
        ("Kosovo", "XK"),
        ("Palestine", "PS"),
        ("Ivory Coast", "CI"),
        ("Cote d'Ivoire", "CI"),
        ("Cote d’Ivoire", "CI"),
        ("Swaziland", "SZ"),
        ("Macedonia", "MK"),
        ("Cape Verde", "CV"),
        ("Brunei", "BN"),
        ("Korea, South", "KR"),
        ("Reunion", "RE"),
        ("Curacao", "CW"),
        ("U.S.A.", "US"),
        ("  united   states\r", "US"),
        ("U.S. Virgin Islands", "VI"),
        ("St. Lucia", "LC"),
        ("St Lucia", "LC"),
        ("St. Kitts & Nevis", "KN"),
        ("Antigua & Barbuda", "AG"),
        ("São Tomé and Príncipe", "ST"),
        ("Curaçao", "CW"),
        ("Holy See", "VA"),
        ("Macau SAR", "MO"),
        ("Palestinian Territories", "PS"),
        ("Macedonia, FYROM", "MK"),
        ("Stan", None),
        ("Germany", "DE"),
        ("de", "DE"),
        ("DEU", "DE"),
        ("Atlantis", None),
        ("RTBF", None),
        ("", None),
        (None, None),
    ],
)
def test_country_code(name, code):
    assert country_code(name) == code


def test_aliases_name_countries_that_the_library_does_not_find():
    codes = {country.alpha_2 for country in pycountry.countries} | {"XK"}
    for name, code in _ALIASES.items():
        assert code in codes
        with pytest.raises(LookupError):
            pycountry.countries.lookup(name)

"""The ISO code of a country's name, however it is written."""

from __future__ import annotations

import re
from functools import lru_cache
from unicodedata import combining, normalize

import pycountry

_SAINT = re.compile(r"^st\.? ", re.IGNORECASE)

# Names that the ISO list lacks. Its fuzzy search is no way out: it takes Curacao for the Netherlands.
_ALIASES = {
    "aland islands": "AX",
    "bosnia & herzegovina": "BA",
    "brunei": "BN",
    "burma": "MM",
    "cape verde": "CV",
    "congo, democratic republic of the": "CD",
    "cote d'ivoire": "CI",
    "curacao": "CW",
    "democratic republic of the congo": "CD",
    "dr congo": "CD",
    "east timor": "TL",
    "england": "GB",
    "falkland islands": "FK",
    "great britain": "GB",
    "holland": "NL",
    "holy see": "VA",
    "hong kong sar": "HK",
    "ivory coast": "CI",
    "korea": "KR",
    "korea, south": "KR",
    "kosovo": "XK",
    "macau": "MO",
    "macau sar": "MO",
    "macedonia": "MK",
    "macedonia, fyrom": "MK",
    "micronesia": "FM",
    "northern ireland": "GB",
    "palestine": "PS",
    "palestinian territories": "PS",
    "palestinian territory": "PS",
    "republic of ireland": "IE",
    "reunion": "RE",
    "russia": "RU",
    "saint martin": "MF",
    "scotland": "GB",
    "sint maarten": "SX",
    "swaziland": "SZ",
    "the bahamas": "BS",
    "the gambia": "GM",
    "the netherlands": "NL",
    "trinidad & tobago": "TT",
    "turkey": "TR",
    "u.k.": "GB",
    "u.s.": "US",
    "u.s. virgin islands": "VI",
    "u.s.a.": "US",
    "uk": "GB",
    "us virgin islands": "VI",
    "vatican": "VA",
    "vatican city": "VA",
    "wales": "GB",
}


@lru_cache(maxsize=1024)
def country_code(name: str | None) -> str | None:
    """Give the two letters of a country (ISO 3166-1; `XK` for Kosovo), from its name or one of its codes.

    Returns:
        None for a name that nobody knows: a wrong country is worse than none.
    """
    text = " ".join((name or "").replace("’", "'").split())
    return _code(text) or _code(_plain(text))


def _code(text: str) -> str | None:
    if alias := _ALIASES.get(text.lower()):
        return alias
    try:
        return str(pycountry.countries.lookup(text).alpha_2)
    except LookupError:
        return None


def _plain(text: str) -> str:
    """Write a name as the ISO list mostly does: without accents, with `and` and `Saint` in full."""
    letters = "".join(each for each in normalize("NFKD", text) if not combining(each))
    return _SAINT.sub("Saint ", letters.replace("&", "and"))

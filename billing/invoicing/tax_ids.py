"""How the tax ids of businesses are written, country by country. Whether one is registered, only its register knows.

The patterns are those of the European Commission's VIES for its members, and of the tax offices of the United Kingdom,
Switzerland and Norway; elsewhere an id is taken as it is written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_ELSEWHERE = re.compile(r"[A-Z0-9][A-Z0-9/]{2,28}\Z")


@dataclass(frozen=True)
class _Form:
    """What an id looks like without blanks, dots and hyphens, and an example to follow."""

    pattern: str
    example: str


_FORMS: Final = {
    "AT": _Form(r"ATU\d{8}", "ATU12345678"),
    "BE": _Form(r"BE[01]\d{9}", "BE0123456789"),
    "BG": _Form(r"BG\d{9,10}", "BG123456789"),
    "CH": _Form(r"CHE\d{9}(MWST|TVA|IVA)?", "CHE123456789MWST"),
    "CY": _Form(r"CY\d{8}[A-Z]", "CY12345678X"),
    "CZ": _Form(r"CZ\d{8,10}", "CZ12345678"),
    "DE": _Form(r"DE\d{9}", "DE123456789"),
    "DK": _Form(r"DK\d{8}", "DK12345678"),
    "EE": _Form(r"EE\d{9}", "EE123456789"),
    "ES": _Form(r"ES([A-Z]\d{8}|\d{8}[A-Z]|[A-Z]\d{7}[A-Z])", "ESX1234567X"),
    "FI": _Form(r"FI\d{8}", "FI12345678"),
    "FR": _Form(r"FR[A-HJ-NP-Z0-9]{2}\d{9}", "FR12345678901"),
    "GB": _Form(r"(GB(\d{9}|\d{12}|GD\d{3}|HA\d{3})|XI(\d{9}|\d{12}))", "GB123456789"),
    "GR": _Form(r"EL\d{9}", "EL123456789"),
    "HR": _Form(r"HR\d{11}", "HR12345678901"),
    "HU": _Form(r"HU\d{8}", "HU12345678"),
    "IE": _Form(r"IE(\d{7}[A-W][A-I]?|\d[A-Z0-9+*]\d{5}[A-W])", "IE1234567WA"),
    "IT": _Form(r"IT\d{11}", "IT12345678901"),
    "LT": _Form(r"LT(\d{9}|\d{12})", "LT123456789"),
    "LU": _Form(r"LU\d{8}", "LU12345678"),
    "LV": _Form(r"LV\d{11}", "LV12345678901"),
    "MT": _Form(r"MT\d{8}", "MT12345678"),
    "NL": _Form(r"NL\d{9}B\d{2}", "NL123456789B01"),
    "NO": _Form(r"(NO)?\d{9}MVA", "NO123456789MVA"),
    "PL": _Form(r"PL\d{10}", "PL1234567890"),
    "PT": _Form(r"PT\d{9}", "PT123456789"),
    "RO": _Form(r"RO\d{2,10}", "RO1234567890"),
    "SE": _Form(r"SE\d{10}01", "SE123456789001"),
    "SI": _Form(r"SI\d{8}", "SI12345678"),
    "SK": _Form(r"SK\d{10}", "SK1234567890"),
}


def normal(tax_id: str) -> str:
    """A tax id as it is kept: in capital letters, without blanks, dots and hyphens."""
    return re.sub(r"[\s.\u2010-\u2015-]", "", tax_id).upper()


def fault(tax_id: str, country: str) -> str:
    """What is wrong with a normal ``tax_id`` of ``country``, and what to do; empty when it can be one."""
    form = _FORMS.get(country)
    if form is None:
        if _ELSEWHERE.match(tax_id):
            return ""
        return "A tax id has 3 to 29 letters and digits. Write it as the register of your country does."
    if re.fullmatch(form.pattern, tax_id, re.ASCII):
        return ""
    return f"“{tax_id}” is not how tax ids of this country are written. Write it like {form.example}."

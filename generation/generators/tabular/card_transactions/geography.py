"""Where people live and travel: countries, currencies and cities with coordinates.

Coordinates and populations of the cities are public facts, rounded; exchange rates and price levels are fixed, so that
a dataset never depends on the day it was made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

EARTH_RADIUS_KM = 6371.0

#: Countries where customers may live. Others below are visited only.
HomeCountry = Literal[
    "AT", "BE", "CA", "CH", "CZ", "DE", "DK", "ES", "FI", "FR", "GB", "IE", "IT", "NL", "NO", "PL", "PT", "SE", "US"
]  # fmt: skip


@dataclass(frozen=True)
class Currency:
    """``per_eur`` buy one euro; prices like to end just below a multiple of ``step``; ``decimals`` are written."""

    code: str
    per_eur: float
    step: float = 1.0
    decimals: int = 2


@dataclass(frozen=True)
class City:
    """A city: degrees of latitude and longitude, inhabitants in millions."""

    name: str
    latitude: float
    longitude: float
    millions: float


@dataclass(frozen=True)
class Country:
    """A country: ISO 3166 code, currency, price level (1 is the euro area's), cities from the largest."""

    code: str
    currency: str
    prices: float
    cities: tuple[City, ...]


CURRENCIES = (
    Currency("EUR", 1.0),
    Currency("GBP", 0.86),
    Currency("CHF", 0.95),
    Currency("PLN", 4.3, step=1.0),
    Currency("CZK", 25.0, step=10.0),
    Currency("SEK", 11.3, step=10.0),
    Currency("DKK", 7.46, step=10.0),
    Currency("NOK", 11.6, step=10.0),
    Currency("USD", 1.09),
    Currency("CAD", 1.48),
    Currency("TRY", 35.0, step=10.0),
    Currency("THB", 38.0, step=10.0),
    Currency("AED", 4.0),
    Currency("MAD", 10.8, step=10.0),
    Currency("JPY", 163.0, step=100.0, decimals=0),
    Currency("MXN", 19.8, step=10.0),
    Currency("ZAR", 20.0, step=10.0),
    Currency("BRL", 5.9),
    Currency("SGD", 1.46),
    Currency("EGP", 52.0, step=10.0),
)


def _country(code: str, currency: str, prices: float, *cities: tuple[str, float, float, float]) -> Country:
    return Country(code, currency, prices, tuple(City(*city) for city in cities))


COUNTRIES = (
    _country(
        "AT",
        "EUR",
        1.02,
        ("Vienna", 48.21, 16.37, 1.98),
        ("Graz", 47.07, 15.44, 0.30),
        ("Linz", 48.31, 14.29, 0.21),
        ("Salzburg", 47.80, 13.05, 0.16),
        ("Innsbruck", 47.27, 11.39, 0.13),
    ),
    _country(
        "BE",
        "EUR",
        1.04,
        ("Brussels", 50.85, 4.35, 1.22),
        ("Antwerp", 51.22, 4.40, 0.53),
        ("Ghent", 51.05, 3.72, 0.27),
        ("Liège", 50.63, 5.57, 0.20),
    ),
    _country(
        "CA",
        "CAD",
        1.05,
        ("Toronto", 43.65, -79.38, 2.93),
        ("Montreal", 45.50, -73.57, 1.76),
        ("Calgary", 51.05, -114.07, 1.31),
        ("Vancouver", 49.28, -123.12, 0.66),
        ("Halifax", 44.65, -63.58, 0.44),
    ),
    _country(
        "CH",
        "CHF",
        1.45,
        ("Zurich", 47.37, 8.54, 0.44),
        ("Geneva", 46.20, 6.14, 0.20),
        ("Basel", 47.56, 7.59, 0.18),
        ("Bern", 46.95, 7.45, 0.13),
    ),
    _country(
        "CZ",
        "CZK",
        0.78,
        ("Prague", 50.08, 14.44, 1.36),
        ("Brno", 49.20, 16.61, 0.40),
        ("Ostrava", 49.82, 18.26, 0.28),
        ("Plzeň", 49.74, 13.37, 0.18),
    ),
    _country(
        "DE",
        "EUR",
        1.03,
        ("Berlin", 52.52, 13.40, 3.76),
        ("Hamburg", 53.55, 9.99, 1.89),
        ("Munich", 48.14, 11.58, 1.51),
        ("Cologne", 50.94, 6.96, 1.08),
        ("Frankfurt", 50.11, 8.68, 0.77),
        ("Stuttgart", 48.78, 9.18, 0.63),
        ("Leipzig", 51.34, 12.37, 0.62),
        ("Dresden", 51.05, 13.74, 0.56),
        ("Nuremberg", 49.45, 11.08, 0.52),
        ("Kiel", 54.32, 10.13, 0.25),
    ),
    _country(
        "DK",
        "DKK",
        1.28,
        ("Copenhagen", 55.68, 12.57, 0.65),
        ("Aarhus", 56.16, 10.20, 0.29),
        ("Odense", 55.40, 10.40, 0.18),
        ("Aalborg", 57.05, 9.92, 0.12),
    ),
    _country(
        "ES",
        "EUR",
        0.90,
        ("Madrid", 40.42, -3.70, 3.28),
        ("Barcelona", 41.39, 2.17, 1.64),
        ("Valencia", 39.47, -0.38, 0.79),
        ("Seville", 37.39, -5.98, 0.68),
        ("Zaragoza", 41.65, -0.89, 0.68),
        ("Málaga", 36.72, -4.42, 0.58),
        ("Palma", 39.57, 2.65, 0.42),
        ("Bilbao", 43.26, -2.93, 0.35),
    ),
    _country(
        "FI",
        "EUR",
        1.15,
        ("Helsinki", 60.17, 24.94, 0.66),
        ("Tampere", 61.50, 23.76, 0.25),
        ("Turku", 60.45, 22.27, 0.20),
        ("Oulu", 65.01, 25.47, 0.21),
    ),
    _country(
        "FR",
        "EUR",
        1.05,
        ("Paris", 48.86, 2.35, 4.20),
        ("Marseille", 43.30, 5.37, 0.87),
        ("Lyon", 45.76, 4.84, 0.80),
        ("Toulouse", 43.60, 1.44, 0.50),
        ("Nice", 43.70, 7.27, 0.34),
        ("Nantes", 47.22, -1.55, 0.32),
        ("Strasbourg", 48.57, 7.75, 0.29),
        ("Bordeaux", 44.84, -0.58, 0.26),
        ("Lille", 50.63, 3.06, 0.24),
    ),
    _country(
        "GB",
        "GBP",
        1.10,
        ("London", 51.51, -0.13, 5.80),
        ("Birmingham", 52.49, -1.89, 1.14),
        ("Leeds", 53.80, -1.55, 0.81),
        ("Glasgow", 55.86, -4.25, 0.63),
        ("Manchester", 53.48, -2.24, 0.55),
        ("Edinburgh", 55.95, -3.19, 0.52),
        ("Bristol", 51.45, -2.59, 0.47),
        ("Cardiff", 51.48, -3.18, 0.36),
        ("Belfast", 54.60, -5.93, 0.35),
    ),
    _country(
        "IE",
        "EUR",
        1.22,
        ("Dublin", 53.35, -6.26, 1.27),
        ("Cork", 51.90, -8.47, 0.22),
        ("Limerick", 52.66, -8.63, 0.10),
        ("Galway", 53.27, -9.05, 0.09),
    ),
    _country(
        "IT",
        "EUR",
        0.96,
        ("Rome", 41.90, 12.50, 2.75),
        ("Milan", 45.46, 9.19, 1.35),
        ("Naples", 40.85, 14.27, 0.91),
        ("Turin", 45.07, 7.69, 0.84),
        ("Palermo", 38.12, 13.36, 0.63),
        ("Bologna", 44.49, 11.34, 0.39),
        ("Florence", 43.77, 11.26, 0.36),
        ("Bari", 41.12, 16.87, 0.31),
    ),
    _country(
        "NL",
        "EUR",
        1.08,
        ("Amsterdam", 52.37, 4.90, 0.92),
        ("Rotterdam", 51.92, 4.48, 0.66),
        ("The Hague", 52.08, 4.31, 0.56),
        ("Utrecht", 52.09, 5.12, 0.37),
        ("Eindhoven", 51.44, 5.48, 0.24),
        ("Groningen", 53.22, 6.57, 0.24),
    ),
    _country(
        "NO",
        "NOK",
        1.25,
        ("Oslo", 59.91, 10.75, 0.71),
        ("Bergen", 60.39, 5.32, 0.29),
        ("Trondheim", 63.43, 10.40, 0.21),
        ("Stavanger", 58.97, 5.73, 0.15),
    ),
    _country(
        "PL",
        "PLN",
        0.66,
        ("Warsaw", 52.23, 21.01, 1.86),
        ("Kraków", 50.06, 19.94, 0.80),
        ("Wrocław", 51.11, 17.03, 0.67),
        ("Łódź", 51.76, 19.46, 0.66),
        ("Poznań", 52.41, 16.93, 0.54),
        ("Gdańsk", 54.35, 18.65, 0.49),
        ("Lublin", 51.25, 22.57, 0.33),
    ),
    _country(
        "PT",
        "EUR",
        0.82,
        ("Lisbon", 38.72, -9.14, 0.55),
        ("Porto", 41.15, -8.61, 0.25),
        ("Braga", 41.55, -8.43, 0.20),
        ("Faro", 37.02, -7.93, 0.07),
    ),
    _country(
        "SE",
        "SEK",
        1.12,
        ("Stockholm", 59.33, 18.07, 0.98),
        ("Gothenburg", 57.71, 11.97, 0.60),
        ("Malmö", 55.60, 13.00, 0.36),
        ("Uppsala", 59.86, 17.64, 0.24),
        ("Umeå", 63.83, 20.26, 0.13),
    ),
    _country(
        "US",
        "USD",
        1.18,
        ("New York", 40.71, -74.01, 8.30),
        ("Los Angeles", 34.05, -118.24, 3.82),
        ("Chicago", 41.88, -87.63, 2.66),
        ("Houston", 29.76, -95.37, 2.30),
        ("Phoenix", 33.45, -112.07, 1.64),
        ("Philadelphia", 39.95, -75.17, 1.57),
        ("Denver", 39.74, -104.99, 0.71),
        ("Seattle", 47.61, -122.33, 0.75),
        ("Miami", 25.76, -80.19, 0.45),
        ("Atlanta", 33.75, -84.39, 0.50),
    ),
    _country("AE", "AED", 1.10, ("Dubai", 25.20, 55.27, 3.50)),
    _country("BR", "BRL", 0.60, ("São Paulo", -23.55, -46.63, 5.00), ("Rio de Janeiro", -22.91, -43.17, 3.00)),
    _country("EG", "EGP", 0.42, ("Hurghada", 27.26, 33.81, 0.30)),
    _country("GR", "EUR", 0.86, ("Athens", 37.98, 23.73, 0.66), ("Heraklion", 35.34, 25.14, 0.18)),
    _country("HR", "EUR", 0.76, ("Split", 43.51, 16.44, 0.18)),
    _country("JP", "JPY", 0.85, ("Tokyo", 35.68, 139.69, 6.00)),
    _country("MA", "MAD", 0.48, ("Marrakesh", 31.63, -7.99, 0.97)),
    _country("MX", "MXN", 0.62, ("Mexico City", 19.43, -99.13, 4.00), ("Cancún", 21.16, -86.85, 0.90)),
    _country("SG", "SGD", 1.15, ("Singapore", 1.35, 103.82, 3.00)),
    _country("TH", "THB", 0.45, ("Bangkok", 13.76, 100.50, 4.00), ("Phuket", 7.88, 98.39, 0.40)),
    _country("TR", "TRY", 0.44, ("Istanbul", 41.01, 28.98, 5.00), ("Antalya", 36.90, 30.71, 1.30)),
    _country("ZA", "ZAR", 0.50, ("Cape Town", -33.92, 18.42, 2.00)),
)

CITIES: tuple[City, ...] = tuple(city for country in COUNTRIES for city in country.cities)
COUNTRY_CODES: tuple[str, ...] = tuple(country.code for country in COUNTRIES)
CURRENCY_CODES: tuple[str, ...] = tuple(currency.code for currency in CURRENCIES)

#: Country (index into ``COUNTRIES``) of each city, and what else is looked up by city or by country.
CITY_COUNTRY: NDArray[np.int8] = np.repeat(
    np.arange(len(COUNTRIES), dtype=np.int8), [len(country.cities) for country in COUNTRIES]
)
CITY_MILLIONS: NDArray[np.float64] = np.array([city.millions for city in CITIES])
CITY_DEGREES: NDArray[np.float64] = np.array([(city.latitude, city.longitude) for city in CITIES])
COUNTRY_PRICES: NDArray[np.float64] = np.array([country.prices for country in COUNTRIES])
COUNTRY_CURRENCY: NDArray[np.int8] = np.array(
    [CURRENCY_CODES.index(country.currency) for country in COUNTRIES], dtype=np.int8
)
CURRENCY_PER_EUR: NDArray[np.float64] = np.array([currency.per_eur for currency in CURRENCIES])
CURRENCY_STEP: NDArray[np.float64] = np.array([currency.step for currency in CURRENCIES])
CURRENCY_SCALE: NDArray[np.float64] = np.array([10.0**currency.decimals for currency in CURRENCIES])


def unit_vectors(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points on the unit sphere, (n, 3), for latitudes and longitudes in degrees, (n, 2)."""
    latitude, longitude = np.radians(degrees[:, 0]), np.radians(degrees[:, 1])
    return np.stack(
        [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)], axis=1
    )


def distance_km(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return great-circle distances in kilometres between unit vectors whose last axis holds the three coordinates."""
    chord = np.sqrt(((a - b) ** 2).sum(axis=-1))
    return np.asarray(2.0 * EARTH_RADIUS_KM * np.arcsin(np.minimum(chord / 2.0, 1.0)))


CITY_VECTORS: NDArray[np.float64] = unit_vectors(CITY_DEGREES)
CITY_DISTANCES_KM: NDArray[np.float64] = distance_km(CITY_VECTORS[:, None, :], CITY_VECTORS[None, :, :])

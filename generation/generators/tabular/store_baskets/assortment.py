"""What each kind of store sells. Products, prices and habits are made up; no chain, brand or country is meant."""

from __future__ import annotations

from functools import cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Kind = Literal["grocery", "drugstore", "home and garden"]


class Product(NamedTuple):
    """``peak`` is the month (1 to 12) in which it sells best, 0 for none, and ``season`` how much better; ``weekend``
    how much better on Friday and Saturday. ``occasion`` is bought for: products of one occasion are bought together."""

    name: str
    category: str
    price: float
    popularity: float
    occasion: str = ""
    peak: int = 0
    season: float = 0.0
    weekend: float = 0.0


_GROCERY = (
    Product("bananas, 1 kg", "fruit and vegetables", 1.79, 9.0, "breakfast"),
    Product("apples, 1 kg", "fruit and vegetables", 2.49, 7.0, "", 10, 0.5),
    Product("strawberries, 500 g", "fruit and vegetables", 3.49, 3.0, "", 6, 2.4, 0.2),
    Product("tomatoes, 500 g", "fruit and vegetables", 1.99, 6.5, "pasta", 7, 0.5),
    Product("cucumber", "fruit and vegetables", 0.89, 5.5, "", 7, 0.6),
    Product("potatoes, 2 kg", "fruit and vegetables", 2.99, 4.5),
    Product("onions, 1 kg", "fruit and vegetables", 1.29, 4.0, "pasta"),
    Product("salad mix", "fruit and vegetables", 1.69, 3.5, "barbecue", 7, 0.6),
    Product("milk, 1 l", "dairy and eggs", 1.15, 10.0, "breakfast"),
    Product("butter, 250 g", "dairy and eggs", 2.19, 6.0, "baking", 12, 0.4),
    Product("yoghurt, 500 g", "dairy and eggs", 1.39, 6.0, "breakfast"),
    Product("gouda, sliced", "dairy and eggs", 2.29, 5.0, "breakfast"),
    Product("eggs, 10", "dairy and eggs", 2.59, 5.5, "baking", 4, 0.5),
    Product("parmesan, 150 g", "dairy and eggs", 3.79, 2.0, "pasta"),
    Product("bread, 750 g", "bakery", 2.39, 8.0, "breakfast"),
    Product("rolls, 6", "bakery", 1.99, 6.0, "breakfast", 0, 0.0, 0.6),
    Product("chicken breast, 400 g", "meat and fish", 4.99, 3.5),
    Product("minced meat, 500 g", "meat and fish", 4.49, 3.5, "pasta"),
    Product("sausages for grilling", "meat and fish", 3.99, 2.0, "barbecue", 7, 1.9, 0.7),
    Product("steak, 300 g", "meat and fish", 7.99, 1.0, "barbecue", 7, 1.0, 0.8),
    Product("salmon, 250 g", "meat and fish", 5.99, 1.4, "", 12, 0.8),
    Product("spaghetti, 500 g", "dry goods", 1.19, 4.5, "pasta"),
    Product("tomato sauce", "dry goods", 1.89, 3.5, "pasta"),
    Product("rice, 1 kg", "dry goods", 2.29, 2.5),
    Product("flour, 1 kg", "dry goods", 0.95, 2.5, "baking", 12, 1.0),
    Product("sugar, 1 kg", "dry goods", 1.29, 2.0, "baking", 12, 0.9),
    Product("muesli, 750 g", "dry goods", 3.29, 2.0, "breakfast"),
    Product("coffee, 500 g", "dry goods", 6.49, 3.0, "breakfast"),
    Product("crisps", "snacks", 1.79, 3.5, "evening", 0, 0.0, 0.8),
    Product("chocolate, 100 g", "snacks", 1.29, 5.0, "evening", 12, 0.8),
    Product("ice cream, 900 ml", "frozen", 3.49, 2.2, "", 7, 1.6, 0.2),
    Product("frozen pizza", "frozen", 2.79, 3.5, "evening", 0, 0.0, 0.5),
    Product("mineral water, 6 × 1.5 l", "drinks", 2.94, 4.0, "", 7, 0.6),
    Product("orange juice, 1 l", "drinks", 2.29, 3.5, "breakfast"),
    Product("beer, 6 × 0.5 l", "drinks", 5.49, 3.0, "barbecue", 7, 0.6, 0.9),
    Product("red wine, 0.75 l", "drinks", 4.99, 2.0, "evening", 12, 0.6, 0.7),
    Product("sparkling wine", "drinks", 4.49, 0.8, "", 12, 2.6, 0.6),
    Product("charcoal, 3 kg", "household", 4.99, 0.7, "barbecue", 7, 2.6, 0.7),
    Product("toilet paper, 10", "household", 3.99, 3.0),
    Product("washing-up liquid", "household", 1.49, 1.5),
)
_DRUGSTORE = (
    Product("shampoo, 250 ml", "hair", 2.95, 6.0, "shower"),
    Product("conditioner, 200 ml", "hair", 3.25, 3.0, "shower"),
    Product("hair dye", "hair", 6.95, 1.0),
    Product("shower gel", "body", 1.75, 7.0, "shower"),
    Product("soap, liquid", "body", 1.45, 4.0),
    Product("deodorant", "body", 2.45, 5.5, "shower", 7, 0.5),
    Product("hand cream", "body", 2.25, 3.0, "cold", 1, 1.0),
    Product("lip balm", "body", 1.95, 2.5, "cold", 1, 1.2),
    Product("sun cream SPF 30", "body", 7.95, 1.8, "holiday", 7, 3.0),
    Product("insect repellent", "body", 5.95, 0.9, "holiday", 7, 2.6),
    Product("toothpaste", "teeth", 1.65, 6.5),
    Product("toothbrush", "teeth", 2.15, 3.0),
    Product("mouthwash", "teeth", 3.45, 2.0),
    Product("razor blades, 4", "shaving", 9.95, 1.8),
    Product("shaving foam", "shaving", 1.95, 1.8),
    Product("nappies, 44", "baby", 9.95, 2.6, "baby"),
    Product("wet wipes", "baby", 1.75, 3.0, "baby"),
    Product("baby food, jar", "baby", 1.15, 3.5, "baby"),
    Product("baby lotion", "baby", 3.45, 1.0, "baby"),
    Product("mascara", "make-up", 7.45, 1.6, "party", 12, 0.5, 0.6),
    Product("lipstick", "make-up", 6.95, 1.3, "party", 12, 0.6, 0.6),
    Product("nail varnish", "make-up", 3.45, 1.5, "party", 0, 0.0, 0.6),
    Product("eau de toilette", "make-up", 24.95, 0.6, "", 12, 3.0),
    Product("tissues, 15", "paper", 1.95, 4.5, "cold", 1, 1.1),
    Product("toilet paper, 10", "paper", 3.75, 4.5),
    Product("kitchen roll, 4", "paper", 2.45, 3.0),
    Product("laundry detergent", "household", 6.95, 3.0, "washing"),
    Product("fabric softener", "household", 2.45, 1.8, "washing"),
    Product("dishwasher tabs, 40", "household", 5.45, 2.5),
    Product("vitamin C", "health", 3.45, 1.8, "cold", 1, 1.3),
    Product("plasters", "health", 1.95, 2.0, "holiday"),
    Product("cough drops", "health", 1.85, 2.2, "cold", 1, 1.8),
    Product("gift box", "gifts", 12.95, 0.4, "", 12, 3.4),
)
_HOME = (
    Product("screws, 200", "hardware", 6.49, 3.5, "building"),
    Product("wall plugs, 100", "hardware", 4.99, 3.0, "building"),
    Product("wood board, 2 m", "hardware", 11.90, 2.2, "building"),
    Product("hammer", "tools", 12.99, 0.9, "building"),
    Product("cordless drill", "tools", 89.00, 0.5, "building", 12, 0.9),
    Product("drill bits, set", "tools", 14.99, 1.2, "building"),
    Product("wall paint, 10 l", "paint", 39.90, 2.0, "painting", 4, 0.6, 0.5),
    Product("paint roller", "paint", 7.99, 2.0, "painting", 4, 0.6, 0.5),
    Product("masking tape", "paint", 3.49, 2.6, "painting"),
    Product("dust sheet", "paint", 2.29, 1.8, "painting"),
    Product("potting soil, 40 l", "garden", 6.99, 3.0, "planting", 4, 3.0, 0.8),
    Product("geranium", "garden", 2.99, 3.2, "planting", 5, 3.6, 0.8),
    Product("tomato plant", "garden", 3.49, 2.0, "planting", 5, 3.6, 0.8),
    Product("lawn seed, 1 kg", "garden", 9.99, 0.9, "planting", 4, 2.6, 0.6),
    Product("lawn mower", "garden", 249.00, 0.15, "", 5, 2.2, 0.8),
    Product("garden hose, 20 m", "garden", 24.99, 0.7, "", 6, 2.2, 0.5),
    Product("garden chair", "outdoor", 39.99, 0.8, "", 6, 2.6, 0.8),
    Product("charcoal grill", "outdoor", 79.00, 0.3, "barbecue", 6, 2.6, 0.8),
    Product("charcoal, 5 kg", "outdoor", 9.99, 1.4, "barbecue", 7, 2.6, 0.9),
    Product("LED bulb", "light", 3.99, 3.6, "", 11, 0.6),
    Product("string lights", "light", 12.99, 0.7, "", 12, 3.6),
    Product("desk lamp", "light", 24.99, 0.5, "", 11, 0.5),
    Product("Christmas tree", "seasonal", 34.90, 0.12, "", 12, 5.0, 0.8),
    Product("snow shovel", "seasonal", 17.99, 0.3, "", 1, 2.6),
    Product("de-icing salt, 10 kg", "seasonal", 7.49, 0.4, "", 1, 2.8),
    Product("storage box", "household", 7.99, 2.2, "", 1, 0.4),
    Product("batteries, 8", "household", 6.99, 2.8, "", 12, 0.6),
    Product("extension lead", "household", 9.99, 1.2),
    Product("bin bags, 50", "household", 3.29, 2.0),
    Product("door mat", "household", 14.99, 0.7, "", 10, 0.4),
)
_PRODUCTS: dict[Kind, tuple[Product, ...]] = {"grocery": _GROCERY, "drugstore": _DRUGSTORE, "home and garden": _HOME}
_FIRST_NUMBER: dict[Kind, int] = {"grocery": 1001, "drugstore": 2001, "home and garden": 3001}


class Assortment(NamedTuple):
    """The products of one kind of store, an array for each trait."""

    number: NDArray[np.int64]
    name: NDArray[np.str_]
    category: NDArray[np.str_]
    cents: NDArray[np.int64]
    popularity: NDArray[np.float64]
    occasion: NDArray[np.int64]  # an index of ``occasions``; -1 for none
    peak: NDArray[np.int64]
    season: NDArray[np.float64]
    weekend: NDArray[np.float64]
    occasions: tuple[str, ...]


@cache
def assortment(kind: Kind) -> Assortment:
    """What a store of this kind sells."""
    products = _PRODUCTS[kind]
    occasions = tuple(sorted({product.occasion for product in products} - {""}))
    return Assortment(
        number=_FIRST_NUMBER[kind] + np.arange(len(products)),
        name=np.array([product.name for product in products]),
        category=np.array([product.category for product in products]),
        cents=np.array([round(100 * product.price) for product in products]),
        popularity=np.array([product.popularity for product in products]),
        occasion=np.array([occasions.index(one.occasion) if one.occasion else -1 for one in products]),
        peak=np.array([product.peak for product in products]),
        season=np.array([product.season for product in products]),
        weekend=np.array([product.weekend for product in products]),
        occasions=occasions,
    )

"""A version in Croissant 1.1 (MLCommons): its files with digests, its tables with their columns, where it comes from.

A record set of several files is described by its file set. The free sample of each configuration is a record set of one
file, which every reader of Croissant can iterate; its file object stands apart, since ``mlcroissant`` fetches all files
of a file set with the one that it needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse

from catalog import citation
from catalog.column_types import PICTURE, ColumnType, ListOf, Record, Scalar, parse
from catalog.hub import card
from catalog.models import File, Licence, Listing, Offer, Version

CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
SYNTHETIC = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia"
#: Parquet by the name under which readers of Croissant know it.
PARQUET = "application/x-parquet"

_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "annotation": "cr:annotation",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "excludes": "cr:excludes",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "readLines": "cr:readLines",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
    "unArchive": "cr:unArchive",
    "value": "cr:value",
}

#: The data type of a scalar by the beginning of Arrow's name for it.
_DATA_TYPES = (
    ("bool", "sc:Boolean"),
    ("int", "cr:Int64"),
    ("uint", "sc:Integer"),
    ("float", "cr:Float32"),
    ("halffloat", "cr:Float16"),
    ("double", "cr:Float64"),
    ("decimal", "sc:Number"),
    ("timestamp", "sc:DateTime"),
    ("date", "sc:Date"),
    ("time", "sc:Time"),
)
_INTEGERS = {"int8": "cr:Int8", "int16": "cr:Int16", "int32": "cr:Int32", "int64": "cr:Int64"}
_MEDIA = {"image": "sc:ImageObject", "audio": "sc:AudioObject", "video": "sc:VideoObject"}


def document(version: Version, listing: Listing | None, licence: Licence | None) -> dict[str, Any]:
    """The JSON-LD of ``version`` for a reader who has ``licence`` to it, if any."""
    dataset = version.dataset
    files = version.files.order_by("id")
    described: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "@id": citation.address(version),
        "conformsTo": CONFORMS_TO,
        "name": dataset.name,
        "alternateName": dataset.title,
        "description": dataset.title if listing is None else listing.summary,
        "url": citation.address(version),
        "version": version.number,
        "datePublished": f"{version.published_at:%Y-%m-%d}",
        "creator": creator(version),
        "publisher": {"@type": "sc:Organization", "name": "Lookalike", "url": settings.PUBLIC_URL},
        "license": licences(version, [] if listing is None else listing.offers.open(), licence),
        "citeAs": citation.bibtex(version),
        "isLiveDataset": False,
        "keywords": card.parsed_front_matter(version)["tags"],
        "digitalSourceType": SYNTHETIC,
        "rai:dataCollection": (
            f"Made by {_maker(version)} from recorded settings and a committed seed; "
            + ("no source data went in." if _without_source(version) else "fitted to a source that its owner gave.")
        ),
        "rai:dataCollectionType": "Synthetic data generation",
        "prov:wasGeneratedBy": {"@type": "prov:Activity", "prov:label": _maker(version)},
        "distribution": [*map(_file_object, files), *_sample_objects(version, files), *_file_sets(files)],
        "recordSet": list(_record_sets(version, files)),
    }
    return described


def creator(version: Version) -> dict[str, Any]:
    """Whose dataset it is, in schema.org's words."""
    account = version.dataset.account
    kind = "sc:Person" if account.kind == account.Kind.PERSONAL else "sc:Organization"
    return {"@type": kind, "name": account.name}


def licences(version: Version, offers: Iterable[Offer], licence: Licence | None = None) -> list[str]:
    """Addresses of the terms under which the reader has the data, else of those of ``offers``, else of the page."""
    terms = [offer.terms_id for offer in offers]
    if licence is not None:
        terms = [licence.terms_id]
    found = [settings.PUBLIC_URL + reverse("catalog:terms", args=[each]) for each in dict.fromkeys(terms)]
    return found or [citation.address(version)]


def _maker(version: Version) -> str:
    generator = version.recipe["generator"]
    return f"{generator['name']} {generator['version']} ({generator['digest']})"


def _without_source(version: Version) -> bool:
    return bool(version.recipe["source"]["kind"] == "none")


def _file_object(file: File) -> dict[str, Any]:
    dataset = file.version.dataset
    address = reverse("catalog:hub-resolve", args=[dataset.account.slug, dataset.name, file.version.commit, file.path])
    return {
        "@type": "cr:FileObject",
        "@id": file.path,
        "name": file.path,
        "contentUrl": settings.PUBLIC_URL + address,
        "contentSize": f"{file.bytes} B",
        "encodingFormat": PARQUET,
        "sha256": file.sha256,
    }


def _sample_objects(version: Version, files: QuerySet[File]) -> Iterator[dict[str, Any]]:
    """The free sample of each configuration's first split, once more under a name of its own."""
    for table in version.layout["tables"]:
        first = next((file for file in files if file.sample and file.config == table["name"]), None)
        if first is not None:
            yield _file_object(first) | {"@id": _sample_name(table), "name": _sample_name(table)}


def _sample_name(table: Mapping[str, Any]) -> str:
    return f"{table['name']}-sample-file"


def _file_sets(files: QuerySet[File]) -> Iterator[dict[str, Any]]:
    """A file set for each split of each configuration."""
    paths: dict[tuple[str, str], list[str]] = {}
    for file in files:
        paths.setdefault((file.config, file.split), []).append(file.path)
    for (config, split), those in paths.items():
        yield {
            "@type": "cr:FileSet",
            "@id": f"{config}-{split}-files",
            "name": f"{config}-{split}-files",
            "containedIn": [{"@id": path} for path in those],
            "encodingFormat": PARQUET,
            "includes": f"{those[0].rpartition('/')[0]}/{split}-*.parquet",
        }


def _record_sets(version: Version, files: QuerySet[File]) -> Iterator[dict[str, Any]]:
    splits = dict.fromkeys((file.config, file.split) for file in files)
    sampled = {file.config for file in files if file.sample}
    for table in version.layout["tables"]:
        for config, split in splits:
            if config == table["name"]:
                name = f"{config}-{split}"
                yield _record_set(name, table, {"fileSet": {"@id": f"{name}-files"}})
        if table["name"] in sampled:
            source = {"fileObject": {"@id": _sample_name(table)}}
            yield _record_set(f"{table['name']}-sample", table, source)


def _record_set(name: str, table: Mapping[str, Any], source: Mapping[str, Any]) -> dict[str, Any]:
    fields = [_field(name, column, source) for column in table["schema"]]
    keys = [{"@id": f"{name}/{column}"} for column in table["key"]]
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        **({"key": keys} if keys else {}),
        "field": fields,
    }


def _field(of: str, column: Mapping[str, Any], source: Mapping[str, Any]) -> dict[str, Any]:
    place = f"{of}/{column['name']}"
    from_column = {**source, "extract": {"column": column["name"]}}
    described = {"@type": "cr:Field", "@id": place, "name": place, "description": column.get("description") or ""}
    type_ = parse(column["type"])
    media = _MEDIA.get((column.get("media") or "").partition("/")[0])
    if media and type_ == PICTURE:
        return described | {"dataType": media, "source": {**from_column, "transform": {"jsonPath": "bytes"}}}
    return described | _typed(place, type_, from_column, ())


def _typed(place: str, type_: ColumnType, source: Mapping[str, Any], path: Sequence[str]) -> dict[str, Any]:
    """Data type and source of what lies at ``path`` within a column."""
    match type_:
        case ListOf(item, length, _):
            shape = {"isArray": True, "arrayShape": str(length or -1)}
            return _typed(place, item, source, path) | shape
        case Record(members):
            return {
                "subField": [
                    {
                        "@type": "cr:Field",
                        "@id": f"{place}/{name}",
                        "name": f"{place}/{name}",
                        **_typed(f"{place}/{name}", of, source, [*path, name]),
                    }
                    for name, of in members.items()
                ]
            }
        case Scalar(name):
            within = {"transform": {"jsonPath": ".".join(path)}} if path else {}
            return {"dataType": _data_type(name), "source": {**source, **within}}


def _data_type(name: str) -> str:
    if name in _INTEGERS:
        return _INTEGERS[name]
    return next((type_ for start, type_ in _DATA_TYPES if name.startswith(start)), "sc:Text")

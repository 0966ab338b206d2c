"""What an embedded index holds for one division, as bit sets: which of its guides have a value of a field.

Filtering and counting are the same few values over and over, while words differ with every query. So they are kept
apart: tantivy matches and scores words, and filters and facets are bits of integers, one for each guide, as
Elasticsearch keeps the filters it sees often. Made value by value when first asked for, from one commit of the index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import tantivy
from tantivy import Occur, Query

from indexer.embedded import schema

_MAX_FACET_VALUES: Final = 200

Address = int
"""Segment and number in it, as one integer: tantivy's own addresses cannot be keys."""


class Shelf:
    """The documents that serve any of some divisions, in one commit; all documents where ``serves`` is empty.

    Safe to share between threads: what two of them make at once is equal.
    """

    def __init__(self, searcher: tantivy.Searcher, serves: tuple[str, ...]) -> None:
        self._searcher = searcher
        self.query = value_query("serves", serves) if serves else Query.const_score_query(Query.all_query(), 0.0)
        found = searcher.search(self.query, max(1, searcher.num_docs), count=False).hits
        self.size = max(1, len(found))
        self._places = {address_of(address): place for place, (_score, address) in enumerate(found)}
        self._everything = (1 << len(found)) - 1
        self._values: dict[tuple[str, str], int] = {}
        self._fields: dict[str, list[tuple[str, int]]] = {}
        self._codes: dict[Address, tuple[str, str]] = {}

    def bits(self, addresses: Iterable[Address]) -> int:
        """These documents as a bit set."""
        found = bytearray(self.size + 7 >> 3)
        places = self._places
        for address in addresses:
            place = places[address]
            found[place >> 3] |= 1 << (place & 7)
        return int.from_bytes(found, "little")

    def allowed(self, filters: Mapping[str, Sequence[str]]) -> int:
        """The documents that filters leave, as a bit set; that on divisions is met by all that are here."""
        left = self._everything
        for field, values in filters.items():
            if field != "serves":
                any_of = 0
                for value in values:
                    any_of |= self._having(field, value)
                left &= any_of
        return left

    def holds(self, bits: int) -> Callable[[Address], bool]:
        """A function that tells whether a document is in a bit set."""
        packed, places = bits.to_bytes(self.size + 7 >> 3, "little"), self._places

        def held(address: Address) -> bool:
            place = places[address]
            return bool(packed[place >> 3] >> (place & 7) & 1)

        return held

    def counts(self, field: str, among: int) -> dict[str, int]:
        """How many of a bit set have each value of a field."""
        return {value: count for value, bits in self._values_of(field) if (count := (bits & among).bit_count())}

    def codes(self, at: Address, address: tantivy.DocAddress) -> tuple[str, str]:
        """The codes of a guide and of its item; remembered, since those that words find are mostly the same."""
        codes = self._codes.get(at)
        if codes is None:
            stored = self._searcher.doc(address)
            codes = self._codes[at] = (stored.get_first("code") or "", stored.get_first("item_code") or "")
        return codes

    def _having(self, field: str, value: str) -> int:
        bits = self._values.get((field, value))
        if bits is None:
            query = Query.boolean_query([(Occur.Must, self.query), (Occur.Must, value_query(field, (value,)))])
            hits = self._searcher.search(query, self.size, count=False).hits
            bits = self._values[field, value] = self.bits(address_of(address) for _score, address in hits)
        return bits

    def _values_of(self, field: str) -> list[tuple[str, int]]:
        values = self._fields.get(field)
        if values is None:
            terms = {"values": {"terms": {"field": field, "size": _MAX_FACET_VALUES}}}
            buckets = self._searcher.aggregate(self.query, terms)["values"]["buckets"]
            values = self._fields[field] = [
                (v, self._having(field, v)) for v in (str(bucket["key"]) for bucket in buckets)
            ]
        return values


def address_of(address: tantivy.DocAddress) -> Address:
    """A document's address as a key."""
    return address.segment_ord << 32 | address.doc


def value_query(field: str, values: Sequence[str]) -> Query:
    """Documents with any of these values in a keyword field, unscored."""
    # A set of one as a plain term: it is cheaper, and most filters are.
    one = Query.term_query(schema(), field, values[0], "basic") if len(values) == 1 else None
    return Query.const_score_query(one or Query.term_set_query(schema(), field, values), 0.0)

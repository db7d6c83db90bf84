"""Plain text to sentences, content words and quantities. Knows English, and nothing of the world."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_STOP = frozenset(
    "a an the and or of to in on at it its is are be for with from by as so that this these those your you "
    "if then first next finally after before until not no do does them they there than but into out up over "
    "off can will all each any when while last begin afterwards now once".split()
)


@lru_cache(maxsize=65536)
def content_words(sentence: str) -> frozenset[str]:
    """The words that carry meaning, lightly stemmed; numbers count as words."""
    words = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d+(?:\.\d+)?", sentence.lower())
    return frozenset(re.sub(r"(?<=\w{3})(ing|ed|es|s|e)$", "", word) for word in words if word not in _STOP)


COURTESY = content_words(
    "sure okay ok yes hi hello thank thanks welcome good great luck hope I help enjoy please"
)


def likeness(a: str | frozenset, b: str | frozenset) -> float:
    """Dice coefficient of two sentences' content words: 0 nothing shared, 1 the same words."""
    a = content_words(a) if isinstance(a, str) else a
    b = content_words(b) if isinstance(b, str) else b
    return 2 * len(a & b) / (len(a) + len(b)) if a and b else 0.0


_UNITS = {
    "min": "minutes", "mins": "minutes", "hr": "hours", "hrs": "hours", "sec": "seconds", "secs": "seconds",
    "tbsp": "tablespoons", "tsp": "teaspoons", "oz": "ounces", "ft": "feet", "mm": "millimeters",
}  # fmt: skip
_SHORT_UNIT = re.compile(rf"(?<=\d)[ -]?({'|'.join(_UNITS)})\b(\.(?=\s+(?-i:[a-z])))?", re.I)


def cleaned(text: str) -> str:
    """The same text without what does not matter: mark-up, curly quotes, odd spaces, '15-min.'."""
    text = unicodedata.normalize("NFKC", text).replace("\u2019", "'")
    text = re.sub(r"<[^<>\s][^<>\n]{0,20}>|[\u200b-\u200f\ufeff*_`\"\u201c\u201d]", " ", text)
    text = re.sub(r"[^\S\n]+", " ", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _SHORT_UNIT.sub(lambda m: " " + _UNITS[m[1].lower()], text)
    text = re.sub(r"(?<=\d)-(?=[a-z])", " ", re.sub(r"(?<=\d) ?%", " percent", text))
    return re.sub(r"(?<=[.!?:]) +(?=\(?\d+[.)] )", "\n", text).strip()  # '1. Do this. 2. Do that.' is a list


MARKER = re.compile(r"(?mi)^\s*(?:(?:step )?\(?\d+[.):]|[-\u2022\u2013])\s+")


def split_sentences(text: str) -> list[str]:
    """Sentences, without the markers of lists."""
    lines = MARKER.sub("", text).splitlines()
    parts = (part.strip() for line in lines for part in re.split(r"(?<=[.!?;])\s+|(?<=\u3002)", line))
    return [part for part in parts if re.search(r"[^\W\d]", part)]  # with a letter in it


# What a sentence denies: from the negation to the end of its clause. One that begins with a negation denies
# all that follows, up to a contrast ('do not use a hammer, but …'); 'do not forget to' asks for the thing.
_NO = r"\b(?:not|never|cannot|\w+n't|avoid|skip|no need to)\b(?! (?:only|just|forget|fail|neglect)\b)"
_DENIED = re.compile(
    rf"^(?:you (?:must|should|can|may|need) ?|please )?(?:do |does )?{_NO}"
    r".*?(?=;|,? but\b|, (?:use|take|instead|rather)\b|$)"
    rf"|(?:{_NO}|\b(?:instead of|rather than|without)\b).*?(?=[,;]|\bbut\b|$)"
    r"|^.*\b(?:myth|untrue|false|nonsense|mistaken)\b.*$",
    re.I,
)


def affirmed(sentence: str) -> str:
    """What is left of a sentence when all that it denies is taken away."""
    return _DENIED.sub("", sentence)


_NUMBERS = "two three four five six seven eight nine ten eleven twelve".split()
_NUMBER_WORD = re.compile(rf"\b(?:{'|'.join(_NUMBERS)})\b", re.I)
_UNIT = "minute|hour|second|day|week|month|year|inch|mile|cup"
_ONE = re.compile(rf"(?<!half )\b(?:one|an?) (?=(?:{_UNIT})\b)", re.I)
QUANTITY = re.compile(r"\d[\d.,/-]*(?: (?:to|or) \d[\d.]*)?(?: [a-z]+)?", re.I)


@lru_cache(maxsize=8192)
def in_digits(text: str) -> str:
    """'five minutes' -> '5 minutes', 'an hour' -> '1 hour'."""
    return _ONE.sub("1 ", _NUMBER_WORD.sub(lambda m: str(_NUMBERS.index(m[0].lower()) + 2), text))

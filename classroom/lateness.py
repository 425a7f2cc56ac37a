"""What it costs to hand in late: a rule in one line, and what it makes of somebody's mark.

A rule is made of clauses with commas between them:

    10% a day, at most 50%, nothing after 7 days        每天 10%，最多 50%，7 天后不收
    2 points an hour                                    每小时 2 分
    20%                                                 20%
    not accepted                                        不收

As on Canvas, percentages are of the full marks, and each unit that has begun counts whole
(https://community.canvaslms.com/t5/Instructor-Guide/How-do-I-apply-a-Late-Submission-policy-in-the-Gradebook/ta-p/965).
Within the grace period nothing is late; beyond it, lateness counts from the due date.
"""

import math
import re
import time
import unicodedata
from dataclasses import dataclass

import names
from platforms import CANVAS

UNITS = {
    60: "minute minutes min mins 分钟 分",
    3600: "hour hours h hr hrs 小时 个小时 钟头",
    86400: "day days d 天 日",
    604800: "week weeks 周 星期 个星期",
}
SECONDS = {word: seconds for seconds, words in UNITS.items() for word in words.split()}
UNIT = "|".join(sorted(set(SECONDS) - {"分", "d", "h"}, key=len, reverse=True))
AMOUNT = r"(?P<amount>\d+(?:\.\d+)?) ?(?P<of>%|points?|marks?|分)"
DEDUCTED = (
    re.compile(rf"{AMOUNT}(?: ?(?:an?|per|each|every|/) ?(?:late )?(?P<unit>{UNIT}))?"),
    re.compile(rf"(?:每(?:迟交?|晚)?(?:一|1)? ?(?P<unit>{UNIT}) ?)?(?:扣除?|减)? ?{AMOUNT}"),
)
AT_MOST = re.compile(rf"(?:at most|up to|no more than|最多扣?) ?{AMOUNT}")
NOTHING_AFTER = (
    re.compile(rf"(?:nothing|none|not accepted) after (?P<number>\d+(?:\.\d+)?) ?(?P<unit>{UNIT})"),
    re.compile(rf"(?:超过|迟于)? ?(?P<number>\d+(?:\.\d+)?) ?(?P<unit>{UNIT}) ?(?:以?后)?就?(?:不收|不计分|不算)"),
)
NOTHING = re.compile("not accepted|no late work|不收|迟交不收")


class RuleError(Exception):
    """What of a rule is not understood; the text says what can be written."""


@dataclass(frozen=True)
class Rule:
    amount: float = 0.0
    percent: bool = True
    unit: float = None  # seconds; None: once, however late
    most: float = math.inf
    most_percent: bool = True
    until: float = math.inf  # seconds after which nothing is accepted

    def off(self, late, full):
        """How many marks of `full` are lost at so many seconds of lateness."""
        if late > self.until:
            return full
        times = math.ceil(late / self.unit) if self.unit else 1
        off = self.amount * times * (full / 100 if self.percent else 1)
        return min(off, self.most * (full / 100 if self.most_percent else 1), full)


def read_rule(text):
    """The Rule in a line of words, Chinese or English. Raises RuleError."""
    found = {}
    for clause in re.split("[,;、]", unicodedata.normalize("NFKC", text).casefold()):
        clause = " ".join(clause.split()).strip("。. ")
        if not clause:
            continue
        if match := first(DEDUCTED, clause):
            new = {"amount": float(match["amount"]), "percent": match["of"] == "%"}
            new["unit"] = SECONDS[match["unit"]] if match["unit"] else None
        elif match := AT_MOST.fullmatch(clause):
            new = {"most": float(match["amount"]), "most_percent": match["of"] == "%"}
        elif match := first(NOTHING_AFTER, clause):
            new = {"until": float(match["number"]) * SECONDS[match["unit"]]}
        elif NOTHING.fullmatch(clause):
            new = {"until": 0.0}
        else:
            new = None
        if new is None or found.keys() & new.keys():
            raise RuleError(
                f"late = “{text}” 里看不懂“{clause}”，请照着写：每天 10%，最多 50%，7 天后不收。 · "
                f"late = “{text}”: “{clause}” is not understood; write it like: "
                "10% a day, at most 50%, nothing after 7 days."
            )
        found |= new
    return Rule(**found)


def first(patterns, clause):
    return next((match for pattern in patterns if (match := pattern.fullmatch(clause))), None)


def seconds(value):
    """A length of time like “15 min” or “15 分钟”; a bare number is minutes. Raises RuleError."""
    words = unicodedata.normalize("NFKC", str(value)).casefold().strip()
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?(\D*)", words)
    unit = SECONDS.get(match[2].strip() or "min") if match and not isinstance(value, bool) else None
    if unit is None:
        raise RuleError(
            f"grace = “{value}” 看不懂，请照着写：15 分钟。 · "
            f"grace = “{value}” is not understood; write it like: 15 min."
        )
    return float(match[1]) * unit


def due_of(rules, entry):
    """(when it is due, for whom: a key of due_for or ""), or (None, "") without a date.

    A student's own date goes before the group's, the latest of several groups' before the rest's. entry: what
    plan.json says of a student, or anything else with "name", "id", "email" and "group".
    """
    if own := [key for key in rules["due_for"] if is_student(key, entry)]:
        return rules["due_for"][own[0]], own[0]
    groups = [key for key in rules["due_for"] if is_group(key, entry)]
    if groups:
        latest = max(groups, key=rules["due_for"].get)
        return rules["due_for"][latest], latest
    return rules["due"], ""


def is_student(key, entry):
    codes = {names.folded(code) for field in ("id", "email") if (code := entry.get(field))}
    return names.folded(key) in codes or (bool(entry.get("name")) and names.same(key) == names.same(entry["name"]))


def is_group(key, entry):
    """Whether a key names somebody's group; Canvas puts several into one cell, with “and” or commas."""
    group = entry.get("group") or ""
    return names.folded(key) in {names.folded(one) for one in (group, *re.split(r",|;|、| and |和", group))} - {""}


def latest(rules, entry):
    """The last moment at which a file is accepted, in seconds since 1970; None where any is."""
    due, _ = due_of(rules, entry)
    until = read_rule(rules["late"]).until
    return None if due is None or until == math.inf else due + max(until, rules["grace"])


def nobodys(rules, entries):
    """(keys of due_for that are nobody's, keys that are several students')."""
    entries = list(entries)
    students = {key: sum(is_student(key, entry) for entry in entries) for key in rules["due_for"]}
    grouped = {key for key in students if any(is_group(key, entry) for entry in entries)}
    return [key for key, count in students.items() if not count and key not in grouped], [
        key for key, count in students.items() if count > 1
    ]


@dataclass(frozen=True)
class Late:
    """What is to be said of when somebody handed in, and what it costs."""

    shown: str = ""  # how late, for the row: "1 d 3 h"
    off: float = 0.0
    reasons: tuple = ()  # pairs of clauses


def lateness(rules, entry, handed_in, told, full):
    """The Late of somebody who handed in at a time, in seconds since 1970 (0: not known).

    told: whether the platform said so; else it is the date of the file, which copying may have changed.
    """
    due, whose = due_of(rules, entry)
    if due is None:
        return Late()
    if not handed_in:
        canvas = [part for part in map(names.tidy, entry.get("file", "").split("/")) if CANVAS.match(part)]
        if canvas and not any("_LATE_" in part for part in canvas):
            return Late()
        said = ("不知道什么时候交的，没有扣分", "when it was handed in is not known, nothing is off")
        if canvas:
            said = ("Canvas 标了迟交，没有写时间，没有扣分", "Canvas has it late without saying when, nothing is off")
        return Late("?", reasons=(said,))
    late = handed_in - due
    if late <= rules["grace"]:
        return Late()
    rule = read_rule(rules["late"])
    off = rule.off(late, full)
    at = time.strftime("%Y-%m-%d %H:%M", time.localtime(due))
    zh = f"迟交 {length(late, 0)}（{whose + ' ' if whose else ''}截止 {at}{'' if told else '，按文件的时间'}）"
    en = f"late by {length(late, 1)} (due {'for ' + whose + ' ' if whose else ''}{at}"
    en += ")" if told else ", by the file's date)"
    if late > rule.until:
        zh, en = f"{zh}，按规定不收", f"{en}, not accepted by the rule"
    elif off:
        zh, en = f"{zh}，按“{rules['late']}”扣 {off:g} 分", f"{en}, {off:g} off by “{rules['late']}”"
    return Late(length(late, 1), off, ((zh, en),))


def length(late, language):
    """Seconds in words, in Chinese (0) or English (1), with the two largest units."""
    minutes = max(1, math.ceil(late / 60))
    parts = (minutes // 1440, minutes // 60 % 24, minutes % 60)
    units = (("天", "小时", "分钟"), ("d", "h", "min"))[language]
    said = [f"{number} {unit}" for number, unit in zip(parts, units, strict=True) if number]
    return " ".join(said[:2])

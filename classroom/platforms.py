"""What platforms call the files and folders that they export: whose it is, and when it was handed in."""

import re
import time
from calendar import timegm
from contextlib import suppress
from dataclasses import dataclass, replace

import names
from archives import Damaged
from limited import Bounds, Exceeded, Worker

BOUNDS = Bounds(cpu=20, wall=60, memory=256 * 2**20)  # of a list in YAML, which may be anybody's
MOODLE = re.compile(
    r"^(?P<name>.+?)_(?P<number>\d+)_assignsubmission_(?:file|onlinetext|comments)?_?(?P<rest>.*)$", re.DOTALL
)
GROUP_BEFORE = re.compile(rf"^(?P<group>{names.GROUP.pattern})-(?P<name>.+)$", re.IGNORECASE)
BLIND = re.compile(r"^(?:Participant|参与者|参加者) ?(\d+)$")
CANVAS = re.compile(
    r"^(?P<name>(?=[\d-]*[^\W\d_])[^\W_](?:[^\W_]|-)*)(?<!-20\d\d)_(?:LATE_)?(?P<number>\d+)_\d+_(?P<rest>.+)$"
)
BLACKBOARD = re.compile(
    r"^(?P<assignment>.+)_(?P<name>[^_]+)_[^\W\d_]+_(?P<time>\d{4}(?:-\d\d){5})(?:_(?P<rest>.*))?$", re.DOTALL
)
BRIGHTSPACE = re.compile(
    r"^(?P<number>\d+)-\d+ ?- ?(?P<name>.+?) ?- ?"
    r"(?P<time>[^-]*\b20\d\d\b[^-]*?|20\d\d-\d\d-\d\d[^-]*?)(?: ?- (?P<rest>.+))?$"
)
EXCHANGE = re.compile(
    r"^(?P<name>[^+]+)\+[^+]+\+(?P<time>\d{4}-\d\d-\d\d[ _T]\d\d[:_-]\d\d[:_-]\d\d[^+]*)(?:\+.*)?$", re.DOTALL
)
SAKAI = re.compile(r"^(?P<name>.+?) ?\((?P<number>[^()\s]+)\)$")
SAKAI_INSIDE = re.compile(r"^(Submission attachment\(s\)|Feedback Attachment\(s\)|timestamp\.txt)$", re.IGNORECASE)
GRADESCOPE = re.compile(r"^submission_(?P<number>\d+)$")

# How they begin in the languages of western Europe.
MONTHS = ("jan|ene|gen", "f[eé][bv]", "m[aä]r|mrt|maa", "a[pbv]r", "ma[yigj]|mei", "jun|juin|giu")
MONTHS += ("jul|juil|lug", "aug|ago|ao[uû]", "sep|set", "o[ckut]t", "nov", "d[eiéè][czs]")
NUMERIC = re.compile(
    r"(20\d\d)[-_/.年]?(\d\d?)[-_/.月]?(\d\d?)日?(?: ?星期[一二三四五六日天])?"
    r"(?:[ T_-]*(\d\d?)[-:_.时]?(\d\d)(?:[-:_.分]?(\d\d))?)?[.\d]*\s*([A-Z]{2,5})?"
)
WRITTEN = re.compile(
    r"(?:([^\W\d_]{3,10})\.? (\d{1,2})|(\d{1,2})\.? (?:de )?([^\W\d_]{3,10})\.?(?: de)?),? (20\d\d)"
    r"(?:,? (\d{1,2})(?::| h )?(\d\d)(?::?(\d\d))?)? ?([AP]M)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Who:
    """Whose a file is, as far as names say."""

    name: str
    number: str = ""
    kind: str = ""  # whose number that is: a platform's, or the school's where this is empty
    email: str = ""
    group: str = ""
    time: float = 0.0  # when it was handed in, where the name says so
    rest: str = None  # the name that the student gave the file
    likely: float = 5.0  # how much the name looks like a person's
    text: str = ""  # of which this was read


class Platforms:
    """Reads the names of one tree of files; some need a look at all of them."""

    def __init__(self, found):
        self.blackboard = common_start(
            match["assignment"] + "_" + match["name"]
            for file in found
            for part in file.path.parts
            if (match := BLACKBOARD.match(names.stem(part)))
        )
        self.gradescope = {}
        for file in found:
            name, *around = (part.lower() for part in reversed(file.path.parts))
            own = not any(map(GRADESCOPE.match, around))  # and not what a student handed in, to be called otherwise
            if own and name.endswith((".yml", ".yaml")) and "metadata" in name:
                with Worker(gradescope_metadata, BOUNDS) as worker, suppress(Exceeded, Damaged, OSError):
                    self.gradescope |= worker(file.read())

    def who(self, part, whole_file, inside=(), around=""):
        """(platform, whose a file or folder with this name is: several for a group's), or None.

        whole_file: it is a file or a zip. inside: the names of what is in the folder. around: that of the one it is in.
        """
        text = names.tidy(part)
        if match := MOODLE.match(text):
            who = who_of(match, "moodle")
            if group := GROUP_BEFORE.match(who.name):
                who = replace(who, name=group["name"], group=group["group"])
            blind = BLIND.match(who.name)
            return "Moodle", [replace(who, number=blind[1]) if blind else who]
        if whole_file and (match := CANVAS.match(text)):
            return "Canvas", [who_of(match, "canvas")]
        if match := BLACKBOARD.match(text):
            return "Blackboard", [replace(who_of(match, "blackboard"), name=self.blackboard_login(match))]
        if match := EXCHANGE.match(text):
            return "nbgrader", [who_of(match, "")]
        if (match := BRIGHTSPACE.match(text)) and when(match["time"]):
            return "Brightspace", [who_of(match, "brightspace")]
        if (match := SAKAI.match(text)) and any(SAKAI_INSIDE.match(name) for name in inside):
            return "Sakai", [who_of(match, "login")]
        slug = names.tidy(around).removesuffix("submissions")
        if slug != around and len(slug) > 1 and text.startswith(slug) and text != slug:
            return "GitHub Classroom", [Who(text[len(slug) :], kind="github", text=text[len(slug) :])]
        if match := GRADESCOPE.match(text):
            unknown = [Who(text, match["number"], "gradescope submission", text=text)]
            return "Gradescope", self.gradescope.get(text.lower(), unknown)
        return None

    def blackboard_login(self, match):
        whole = match["assignment"] + "_" + match["name"]
        return whole[len(self.blackboard) :] if self.blackboard else match["name"]


def dated_by_download(path):
    """Whether a file lies in a zip in which all have the time of the download, as Moodle and Canvas make it.

    add_file_from_stored_file in https://github.com/moodle/moodle/blob/main/files/classes/local/archive_writer/zip_writer.php
    add_attachment_to_zip in https://github.com/instructure/canvas-lms/blob/master/lib/content_zipper.rb
    """
    return any(MOODLE.match(part) or CANVAS.match(part) for part in map(names.tidy, path.split("/")))


def who_of(match, kind):
    found = match.groupdict()
    at = when(found["time"]) if found.get("time") else 0.0
    name = names.unspaced(found["name"].strip())
    return Who(name, found.get("number") or "", kind, time=at, rest=found.get("rest"), text=match[0])


def common_start(texts):
    """The longest start, up to a “_”, that different texts share; empty where there are no two."""
    texts = sorted(set(texts))
    if len(texts) < 2:
        return ""
    first, last = texts[0], texts[-1]
    same = next((i for i, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return first[: first.rfind("_", 0, same) + 1]


def gradescope_metadata(content):
    """{folder: whose it is} of Gradescope's submission_metadata.yml."""
    import yaml

    found = {}
    with suppress(Exception):  # whatever else is called so
        for folder, about in yaml.safe_load(content).items():
            at = when(str(about.get(":created_at", "")))
            found[str(folder).lower()] = [
                Who(
                    names.tidy(str(one.get(":name") or one.get(":email") or one.get(":sid"))),
                    str(one.get(":sid") or ""),
                    email=str(one.get(":email") or ""),
                    time=at,
                    text=str(folder),
                )
                for one in about.get(":submitters") or []
            ]
    return {folder: people for folder, people in found.items() if people}


def when(text):
    """Seconds since 1970 of a date in a name, in this machine's time zone where it names none; 0 without one."""
    with suppress(ValueError, OverflowError):
        if match := WRITTEN.search(text):
            word = (match[1] or match[4]).lower()
            month = [bool(re.match(begins, word)) for begins in MONTHS].index(True) + 1
            hour = int(match[6] or 0)
            if match[9]:
                hour = hour % 12 + 12 * (match[9].upper() == "PM")
            day = int(match[2] or match[3])
            return time.mktime((int(match[5]), month, day, hour, int(match[7] or 0), int(match[8] or 0), 0, 0, -1))
        if match := NUMERIC.search(text):
            moment = (*(int(part or 0) for part in match.groups()[:6]), 0, 0, -1)
            return float(timegm(moment)) if match[7] in ("UTC", "GMT", "Z") else time.mktime(moment)
    return 0.0

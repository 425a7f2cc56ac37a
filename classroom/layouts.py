"""Whose each file of a tree is, whatever the tree looks like.

The name of a file or folder does not tell by itself: 三班 is a class and 王伟 a person, but alice may be either, and so
may the files in it. So the tree is read as a whole: a folder belongs to one person, unless what is in it looks more
like several.
"""

import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from statistics import mean

import names
from platforms import Platforms, Who, when

METADATA = re.compile(
    r"^(readme|license|contributing|changelog|index|timestamp|comments?|requirements|feedbacktext|grades?|roster)"
    r"(\.[a-z]{1,5})?$|\.(ya?ml|ini|toml|cfg|lock|css|log)$|_[^\W\d_]+_\d{4}(-\d\d){5}\.txt$",
    re.IGNORECASE,
)
TABLE = re.compile(r"\.(xlsx?|csv|tsv|ods|numbers)$", re.IGNORECASE)
MANY = 5  # notebooks with names of their own in one folder: more than one person hands in


@dataclass
class Claim:
    """A file and whose it is."""

    file: object
    who: Who
    layout: str  # as what it was understood
    delivery: tuple  # the folder, zip or file that was handed in: of one, one notebook counts
    rest: str  # the name that the student gave the file
    time: float = 0.0
    told: bool = False  # whether the platform said that time; else it is the file's


@dataclass
class Folder:
    path: tuple
    zipped: bool = False
    folders: dict = field(default_factory=dict)
    files: list = field(default_factory=list)

    @property
    def name(self):
        return self.path[-1]


def tree(found):
    top = Folder(())
    for file in found:
        folder = top
        for depth, part in enumerate(file.path.parts[:-1]):
            folder = folder.folders.setdefault(part, Folder((*folder.path, part)))
            folder.zipped |= depth in file.zips
        folder.files.append(file)
    return top


class Reading:
    """How a tree of files is understood: `claims`, files that are nobody's, and those that are no submissions.

    `empty`: folders that are called like somebody and hold nothing.
    """

    def __init__(self, found, assignment, roster=None, place_name=""):
        self.assignment, self.roster = assignment, roster
        empty, found = [one for one in found if one.empty], [one for one in found if not one.empty]
        self.platforms = Platforms(found)
        self.claims, self.nobodys, self.ignored, self.tables, self.groups = [], [], [], [], []
        self.repeated = repeated_names(found, assignment)
        top = tree(found)
        self.stamps = {file.path.parent: stamp(file) for file in found if file.path.name.lower() == "timestamp.txt"}
        for file, claim in self.in_folder(top, sole=True):
            if claim:
                self.claims += claim
            elif is_handed_in(file) or file in self.tables:
                self.nobodys.append(file)
            else:
                self.ignored.append(file)
        if not self.claims and self.nobodys and (who := self.who(place_name)):
            self.claims = [self.claim(file, who, "zip", (place_name,)) for file in self.nobodys]
            self.nobodys = []
        self.empty = [one for one in empty if self.who(one.path.name) and not self.is_somebodys(one.path.parts)]

    def is_somebodys(self, path):
        return any(claim.delivery == path[: len(claim.delivery)] for claim in self.claims)

    def in_folder(self, folder, sole=False):
        """(file, its claims; None where no name in the folder says whose it is) for each file."""
        found = [(file, self.of_file(file)) for file in folder.files]
        alone = sole and len(folder.folders) == 1 and not any(is_handed_in(file) for file in folder.files)
        read = {name: self.read_folder(inside, alone) for name, inside in folder.folders.items()}
        verdicts = {verdict for verdict, _, _ in read.values()}
        persons = {"person", "a person's"}
        if "a person's" in verdicts:
            persons |= {"either", "probably people"}
        elif not verdicts & {"people", "probably people"}:
            persons |= {"either"}
        for name, (verdict, own, inner) in read.items():
            found += own if verdict in persons else inner
            if verdict not in {"nobody's", *persons}:
                self.groups.append("/".join((*folder.path, name)))
        return found

    def read_folder(self, folder, alone):
        """(verdict, the files as one person's, the files as several people's).

        Verdicts: "person", "people"; "nobody's" has no name of its own; "a person's" is a person whose answer lies in
        it without a name, which says that the folders beside it are people's as well; "probably people" and "either"
        go by those beside them.
        """
        inside = [*folder.folders, *(file.path.name for file in folder.files)]
        files = list(below(folder))
        around = folder.path[-2] if len(folder.path) > 1 else ""
        if known := self.platforms.who(folder.name, folder.zipped, inside, around):
            own = [(file, [self.claim(file, who, known[0], folder.path) for who in known[1]]) for file in files]
            return "person", own, own
        name = names.stem(folder.name) if folder.zipped else folder.name  # bob.zip.zip
        who, inner = self.who(name), self.in_folder(folder, alone)
        if (
            who
            and not who.name
            and len(named := {claim.who.name for _, claims in inner for claim in claims or []}) == 1
        ):
            who = replace(who, name=named.pop())  # 2024001/王伟.ipynb
        if not who:
            group = names.read(folder.name, self.assignment).group
            return "nobody's", [], [(file, with_group(claims, group, self, file, folder)) for file, claims in inner]
        own = [(file, [self.claim(file, who, "folder", folder.path)]) for file in files]
        return self.verdict(folder, who, inner, alone), own, inner

    def verdict(self, folder, who, inner, alone):
        people, answer, deeper, sure = {}, False, False, False
        for file, claims in inner:
            if not is_handed_in(file):
                continue
            for claim in claims or []:
                same = names.folded(claim.who.name) == names.folded(who.name)
                if same or self.is_repeated(claim):
                    answer |= names.is_notebook(file.path.name)
                    continue
                people[names.folded(claim.who.name), claim.who.number] = claim.who.likely
                deeper |= len(claim.delivery) < len(file.path.parts)
                sure |= claim.who.likely >= 5
            answer |= not claims and names.is_notebook(file.path.name)
        beside_others = folder.zipped and not alone  # then a student handed it in, who may have put anything into it
        mine = max(who.likely, 3.5) if beside_others else who.likely
        if sure and mine < 5 and (len(people) > 1 or not beside_others):
            return "people"
        if not people:
            return "a person's" if answer else "person"
        theirs = mean(people.values())
        if len(people) == 1:
            if alone and (theirs > mine or (deeper and not folder.zipped and theirs == mine)):
                return "people"
            if theirs > mine and not beside_others:
                return "probably people"
            return "a person's" if answer else "person" if theirs < mine else "either"
        many = len(people) >= MANY and who.likely < 3
        if many or (theirs > mine and not beside_others) or (alone and not answer and mine < 3):
            return "people"
        if answer:
            return "a person's"
        return "person" if theirs < mine or beside_others else "probably people"

    def of_file(self, file):
        text = names.stem(file.path.name)
        if known := self.platforms.who(text, True):
            return [self.claim(file, who, known[0], file.path.parts) for who in known[1]]
        if is_metadata(file):
            return None
        who = self.who(text)
        if is_table(file) and (not who or who.likely <= 3):  # a list of the class, by whom or of what date ever
            self.tables += [file] * bool(who and who.likely == 3)
            return None
        if not who and names.TEAM.search(group := names.read(text, self.assignment).group):
            who = Who(group, likely=0.5, text=text)
        return [self.claim(file, who, "file", file.path.parts)] if who else None

    def who(self, text):
        """Whose a folder or file with this name is; None where nothing in it names anybody."""
        read = names.read(text, self.assignment)
        known = self.roster.match(text, read) if self.roster else []
        if not (read.name or read.number or known):
            return None
        likely = 4.5 if len(known) == 1 else read.likely
        return Who(read.name, read.number, "", group=read.group, likely=likely, text=text)

    def claim(self, file, who, layout, delivery):
        by_file = delivery == file.path.parts
        rest = who.rest if by_file and who.rest else names.stem(file.path.name)
        stamped = [self.stamps[folder] for folder in file.path.parents if folder in self.stamps]
        told = who.time or (stamped[0] if stamped else 0)
        return Claim(file, who, layout, delivery, rest, told or file.time, bool(told))

    def is_repeated(self, claim):
        """Whether several folders have a file of this name: helper.ipynb is nobody, whose-ever folder it is in."""
        return claim.layout == "file" and claim.who.likely <= 1 and names.folded(claim.who.name) in self.repeated


def with_group(claims, group, reading, file, folder):
    """The claims with the class or group that a folder around them names; a group may itself have handed in."""
    if not group:
        return claims
    if claims:
        return [replace(claim, who=replace(claim.who, group=claim.who.group or group)) for claim in claims]
    if names.TEAM.search(group) and is_handed_in(file):
        return [reading.claim(file, Who(group, likely=1, text=folder.name), "folder", folder.path)]
    return None


def below(folder):
    yield from folder.files
    for inside in folder.folders.values():
        yield from below(inside)


def repeated_names(found, assignment):
    folders = defaultdict(set)
    for file in found:
        if len(file.path.parts) > 1:
            folders[names.folded(names.read(names.stem(file.path.name), assignment).name)].add(file.path.parent)
    return {name for name, places in folders.items() if len(places) > 1}


def is_handed_in(file):
    """Whether somebody handed it in, and not a platform or teacher put it there."""
    return not is_metadata(file) and not is_table(file)


def is_metadata(file):
    return not names.is_notebook(file.path.name) and bool(METADATA.search(file.path.name))


def is_table(file):
    return not names.is_notebook(file.path.name) and bool(TABLE.search(file.path.name))


def stamp(file):
    """The time in a timestamp.txt, which nbgrader and Sakai put beside a submission."""
    try:
        return when(file.read()[:100].decode("utf-8", "replace"))
    except Exception:  # it is only a hint
        return 0.0

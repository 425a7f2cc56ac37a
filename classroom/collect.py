"""Collects the submissions of a class from a folder or zip: whose they are, and which of several counts.

The files come from archives.py; layouts.py reads the tree, roster.py knows the class. Nobody is lost and no two are
made one without a word: what was understood is in Collected, and understood.py puts it into sentences.
"""

import hashlib
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path

import names
from archives import DAMAGED, MAX_BYTES, MAX_ENTRIES, Damaged, TooMany, files_in, told
from layouts import Reading, is_metadata, is_table
from platforms import Who, dated_by_download


class CollectError(Exception):
    """Nothing to grade; the text says where it was looked for."""


@dataclass
class Submission:
    student: str  # as nobody else here is called
    name: str  # of the file, in the folder or zip
    given: object = field(repr=False)  # its bytes, or what reads them: a class has more than memory holds
    too_large: bool = False
    others: int = 0  # how many other notebooks of the student were set aside
    problem: tuple = None  # why the file cannot be read, in Chinese and English
    beside: tuple = ()  # notebooks in the same folder that are not the answer
    time: float = 0.0  # when it was handed in
    told: bool = False  # whether the platform said so; else it is the file's date
    called: str = ""  # as others may be, too
    number: str = ""
    kind: str = ""  # whose number that is: a platform's, or the school's where this is empty
    email: str = ""
    group: str = ""
    known_digest: str = field(default=None, repr=False)

    @property
    def content(self):
        """The file's bytes, read anew each time; where they cannot be had, `problem` says so from then on."""
        content = b""
        if not self.problem and not self.too_large:
            try:
                content = self.given() if callable(self.given) else self.given
            except (Damaged, OSError):
                self.problem = told(DAMAGED, self.name.rpartition("/")[2])
        self.known_digest = digest(content or repr((self.name, self.time)).encode())
        return content

    @property
    def digest(self):
        """What tells contents apart; of what could not be read, when it was handed in."""
        if self.known_digest is None:
            self.content  # noqa: B018 (which takes it)
        return self.known_digest


def digest(*parts):
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


@dataclass
class Collected:
    """What was found and how it was understood."""

    submissions: list
    files: int  # handed in, nobody's included
    layouts: Counter  # as what the students were found
    merged: dict  # student → the names of several files, the one that counts first
    namesakes: list  # lists of students who have one name, or names that look alike
    nobodys: dict  # the name of a file → why it is nobody's, in Chinese and English
    ignored: list
    groups: list  # folders that might be people's, understood as classes or groups
    strangers: list  # students who are not on the roster
    owners: dict  # whose each file is, by its name
    empty: list  # folders that are called like somebody and hold nothing
    roster: object = None

    def __iter__(self):
        return iter(self.submissions)


NAMELESS = ("名字里没有学生", "no student in its name")
NO_NOTEBOOK = ("不是 notebook", "no notebook")
DRAFTS = re.compile("working files|工作文件", re.IGNORECASE)  # as Teams keeps them beside what was handed in
SEVERAL = ("可能是 {}", "it may be {}")


def collect(place, assignment, roster=None, latest=None):
    """The submissions in a folder or zip, by student in alphabetical order. Raises CollectError.

    latest: tells the last moment at which a Who may hand in; what is older goes before what came after it.
    """
    place = Path(place)
    if not place.exists():
        raise CollectError(
            f"找不到 {place}，SUBMISSIONS 要指向一个文件夹或 zip。 · "
            f"{place} isn't there: SUBMISSIONS has to name a folder or a zip."
        )
    try:
        found = files_in(place)
    except TooMany:
        raise CollectError(
            f"{place} 里的文件太多（最多 {MAX_ENTRIES} 个），请解压，用解出来的文件夹。 · "
            f"{place} lists too many files (at most {MAX_ENTRIES}): unpack it, and give the folder."
        ) from None
    if found is None:
        raise CollectError(
            f"{place} 不是文件夹，也不是能打开的 zip。 · {place} is neither a folder nor a zip that can be opened."
        )
    reading = Reading(found, assignment, roster, place.stem if place.is_file() else "")
    people = People(reading, assignment, roster)
    nobodys = {str(file.path): NO_NOTEBOOK if is_table(file) else NAMELESS for file in reading.nobodys} | people.unclear
    if not people.claims and people.unclear:
        zh, en = (
            joint.join(f"{name} ({why[of]})" for name, why in list(people.unclear.items())[:10])
            for of, joint in ((0, "、"), (1, ", "))
        )
        raise CollectError(f"分不清是谁的，请改名：{zh}。 · It does not tell whose they are, rename them: {en}.")
    if not people.claims:
        listed = "、".join(list(nobodys)[:10]) + "……" * (len(nobodys) > 10)
        raise CollectError(
            f"{place} 里没有作业。 · There are no submissions in {place}."
            if not nobodys
            else f"{listed} 的名字里没有学生，请改成 {assignment}_姓名 这样的名字。 · "
            f"No student in the name of {', '.join(list(nobodys)[:10])}{', …' * (len(nobodys) > 10)}: "
            f"rename like {assignment}_alice."
        )
    chosen = [
        choose(student, who, claims, assignment, latest and latest(who))
        for student, (who, claims) in sorted(people.claims.items())
    ]
    taken = {one.name for one in chosen}
    handed_in = {
        id(claim.file)
        for _, claims in people.claims.values()
        for claim in claims
        if names_a_file(claim) or str(claim.file.path) in taken
    }
    return Collected(
        chosen,
        len(handed_in) + len(nobodys),
        Counter(claims[0].layout for _, claims in people.claims.values()),
        {one.student: merged for one in chosen if (merged := people.merged(one))},
        people.namesakes(),
        nobodys,
        [str(file.path) for file in reading.ignored],
        reading.groups,
        people.strangers,
        {str(claim.file.path): student for student, (_, claims) in people.claims.items() for claim in claims},
        [str(folder.path) for folder in reading.empty],
        roster,
    )


class People:
    """Who handed in what: claims by person."""

    def __init__(self, reading, assignment, roster):
        self.assignment, self.roster = assignment, roster
        self.unclear, self.strangers, self.claims, self.one_number = {}, [], {}, []
        by_person = defaultdict(list)
        left = []
        for claim in reading.claims:
            known = self.on_roster(claim) if roster else []
            owners = known if known or not roster else roster.members(claim.who.name)
            if len(known) == 1 or (not known and owners):
                for person in owners:
                    by_person[person].append(claim)
            elif known:
                self.unclear[str(claim.file.path)] = several(roster.called[person] for person in known)
            else:
                left.append(claim)
        strangers = self.by_name(left)
        for person, claims in by_person.items():
            group = person.group or claims[0].who.group
            who = Who(person.name, person.number, "roster", person.email, group, person.handed_in)
            self.claims[roster.called[person]] = who, claims
        for name, (who, claims) in strangers.items():
            name = f"{name} (?)" if name in self.claims else name
            self.claims[name] = who, claims
            if roster:
                self.strangers.append(name)

    def on_roster(self, claim):
        """Who on the roster it may be: by the name that was found, else by any other in the file's path."""
        who = claim.who
        texts = [who.text or who.name, who.name, names.stem(claim.file.path.name)]
        texts += [names.stem(part) for part in reversed(claim.file.path.parts[:-1])]
        platform = claim.layout not in ("file", "folder", "zip")
        for text in dict.fromkeys(texts[platform:]):
            read = names.read(text, self.assignment)
            if known := self.roster.match(text, read, trusted=not platform, group=who.group):
                return (platform and [one for one in known if who.number in one.codes]) or known
        if who.email and (known := self.roster.match(who.email, names.Named(who.email))):
            return known
        return self.roster.match(who.number, names.Named(number=who.number)) if platform and who.number else []

    def by_name(self, claims):
        """{student: (Who, claims)} without a roster: by name, and by number or class where several have one name."""
        shared = shared_numbers(claims)
        self.one_number = [people for number, people in shared.items() if len(people) < 4 and not day(number)]
        claims = without_numbers(claims, shared)
        named = {number_of(claim): names.same(claim.who.name) for claim in claims if claim.who.name}
        groups = defaultdict(list)
        for claim in claims:
            known = names.same(claim.who.name) or named.get(number_of(claim))
            groups[known or names.same(claim.who.number)].append(claim)
        people = {}
        for group in groups.values():
            numbers = defaultdict(set)
            for claim in group:
                if claim.who.number:
                    numbers[claim.who.kind].add(claim.who.number)
            kind = max(numbers, key=lambda kind: (len(numbers[kind]), kind == ""), default="")
            told_apart = {claim.delivery: claim.who.number for claim in group if claim.who.kind == kind}
            if not numbers and len({claim.who.group for claim in group} - {""}) > 1:  # one name in two classes
                told_apart = {claim.delivery: claim.who.group for claim in group}
            different = sorted(set(told_apart.values()) - {""})
            if len(different) < 2:
                who = one_of(group)
                people[who.name] = who, group
                continue
            for one in different:
                own = [claim for claim in group if told_apart.get(claim.delivery) == one]
                who = one_of(own)
                people[f"{who.name} {one}" if who.name != one else one] = who, own
            for claim in group:
                if not told_apart.get(claim.delivery):
                    self.unclear[str(claim.file.path)] = several(f"{claim.who.name} {one}" for one in different)
        return people

    def merged(self, chosen):
        """The files of somebody who handed in several, the one that counts first."""
        _, claims = self.claims[chosen.student]
        others = {str(claim.file.path) for claim in claims if names_a_file(claim)} - {chosen.name}
        return [chosen.name, *sorted(others)] if others else []

    def namesakes(self):
        """Students with one name, and those whose names differ in accents, capitals or a number at the end only."""
        alike = defaultdict(list)
        for student, (who, _) in self.claims.items():
            alike[re.sub(r"\d+$", "", names.plain(names.folded(who.name)))].append(student)
        found = [sorted(same) for plain, same in alike.items() if len(same) > 1 and plain and not numbered(same)]
        for people in self.one_number:
            same = sorted(student for student, (who, _) in self.claims.items() if names.same(who.name) in people)
            found += [same] * (len(same) > 1 and same not in found)
        return found


def numbered(same):
    """Whether they are counted, like student1, student2, and so nobody's namesakes."""
    return all(re.search(r"[^\d\s]\d+$", name) for name in same)


def one_of(claims):
    """Who all of these claims speak of: each says something."""
    first = claims[0].who
    texts = {
        field: next((value for claim in claims if (value := getattr(claim.who, field))), "")
        for field in ("name", "number", "email", "group")
    }
    kind = next((claim.who.kind for claim in claims if claim.who.number), first.kind)
    return Who(texts["name"] or texts["number"], texts["number"], kind, texts["email"], texts["group"])


def day(number):
    return bool(names.DAY.fullmatch(number))


def shared_numbers(claims):
    """{number: the names beside it, more than one}: it is a date or the course's, or somebody has two names."""
    beside = defaultdict(set)
    for claim in claims:
        if claim.who.name and not claim.who.kind:
            beside[claim.who.number].add(names.same(claim.who.name))
    shared = {number: people for number, people in beside.items() if number and len(people) > 1}
    if any(map(day, shared)):
        shared |= {number: people for number, people in beside.items() if day(number)}
    return shared


def without_numbers(claims, shared):
    return [
        replace(claim, who=replace(claim.who, number=""))
        if claim.who.number in shared and claim.who.name and not claim.who.kind
        else claim
        for claim in claims
    ]


def number_of(claim):
    return claim.who.kind, claim.who.number


def several(people):
    people = sorted(people)
    return tuple(text.format(joint.join(people)) for text, joint in zip(SEVERAL, ("、", " or "), strict=True))


def names_a_file(claim):
    whole = claim.delivery == claim.file.path.parts and not is_metadata(claim.file)
    return names.is_notebook(claim.file.path.name) or whole


def choose(student, who, claims, assignment, until=None):
    """One person's Submission: of several deliveries the newest, and in it the notebook that is the answer.

    until: the last moment at which one is accepted, in seconds since 1970.
    """
    deliveries = defaultdict(list)
    for claim in claims:
        deliveries[claim.delivery].append(claim)
    answers = [answer_in(delivery, assignment) for delivery in deliveries.values()]
    candidates = [claim for answer, _ in answers for claim in answer]
    newest = max([one for one in candidates if not until or time_of(one) <= until] or candidates, key=newness)
    in_sheet = who.time if newest.layout == "Moodle" else 0.0
    beside = next(others for answer, others in answers if newest in answer)
    return Submission(
        student,
        str(newest.file.path),
        newest.file.read,
        newest.file.size > MAX_BYTES and not newest.file.problem,
        len(candidates) - 1,
        newest.file.problem,
        tuple(str(claim.file.path) for claim in beside),
        in_sheet or newest.time,
        bool(in_sheet) or newest.told,
        who.name,
        who.number,
        who.kind,
        who.email,
        who.group,
    )


def answer_in(claims, assignment):
    """(what may be the answer in one delivery, what lies beside it and is not)."""
    notebooks = [claim for claim in claims if names.is_notebook(claim.file.path.name)]
    if not notebooks:
        others = [claim for claim in claims if not is_metadata(claim.file)] or claims
        return [claim for claim in others if claim.file.problem] or others, []
    called = [claim for claim in notebooks if names.uncopied(claim.rest).lower().startswith(assignment.lower())]
    answers = called or notebooks
    unopened = [claim for claim in claims if claim.file.problem and claim not in notebooks]
    return answers, [claim for claim in notebooks if claim not in answers] + unopened


def time_of(claim):
    """When it was handed in, in seconds since 1970; 0 where only the date of a download is known."""
    return claim.time if claim.told or not dated_by_download(str(claim.file.path)) else 0.0


def newness(claim):
    """Notebooks before other files, what was handed in before what was not, then by time, then by the number that
    copying or the platform gave."""
    path = str(claim.file.path)
    digits = tuple(int(part) if part.isdigit() else 0 for part in re.split(r"(\d+)", path))
    handed_in = not any(map(DRAFTS.fullmatch, claim.file.path.parts))
    return names.is_notebook(claim.file.path.name), handed_in, claim.time, digits, path

"""Who is in the class: a list with names, numbers, addresses and groups, or a grade sheet as a platform exports it.

CSV with any of the usual separators and encodings, or xlsx. The columns are known by their headings, in any order.
"""

import csv
import io
import re
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import permutations

import names
from platforms import when

HEADINGS = {
    "number": "学号 学生编号 学籍号 考号 学工号 工号 学号工号 编号 学生id 学号id id studentid studentnumber studentno "
    "sid sisuserid sisid orgdefinedid identifier idnumber universityid externalid number 标识符 id号",
    "login": "用户名 账号 登录名 账户 username login loginid sisloginid netid user userid githubusername 学习通账号",
    "name": "姓名 名字 学生姓名 全名 学生 真实姓名 name fullname student studentname displayname",
    "first": "名 firstname givenname forename first",
    "last": "姓 姓氏 lastname surname familyname last",
    "email": "邮箱 电子邮箱 电子邮件 电子邮件地址 邮件 邮箱地址 email emailaddress mail",
    "handed_in": "lastmodifiedsubmission 上次修改作业",  # in Moodle's grading worksheet
    "group": "班级 班 行政班 教学班 班级名称 组 小组 分组 组别 group groups section sections class team cohort",
}
FIELDS = {heading: field for field, headings in HEADINGS.items() for heading in headings.split()}
NOBODY = re.compile(
    r"^(points possible|student, ?test|test student|test, ?student|合计|总计|平均分?|最高分|最低分)$", re.IGNORECASE
)
WHOLE_NAME = re.compile(rf"[{names.FAMILIES}][{names.HAN}]{{2}}|(?:{names.DOUBLE})[{names.HAN}]{{1,2}}")
CHINESE = re.compile(rf"[{names.HAN}]+")
MAX_BYTES = 20 * 2**20


class RosterError(Exception):
    """Why the list of students cannot be used; the text says in which line."""


@dataclass(frozen=True)
class Person:
    name: str
    number: str = ""
    codes: tuple = ()  # all numbers and logins
    email: str = ""
    group: str = ""
    line: int = 0
    handed_in: float = 0.0  # when, in seconds since 1970, where a platform's sheet says so


class Roster:
    """The people of a class, found by what is in a name."""

    def __init__(self, people, said=(), twice=None):
        self.people, self.said = list(people), list(said)
        self.twice = twice or {}  # {line: further lines of the same person}
        shared = Counter(person.name for person in self.people)
        self.called = {
            person: person.name if shared[person.name] < 2 else f"{person.name} {person.number}"
            for person in self.people
        }
        self.by_code, self.by_name, self.by_plain, self.words = {}, {}, {}, {}
        for person in self.people:
            address = [person.email, person.email.partition("@")[0]] if person.email else []
            for code in {folded_code(code) for code in (*person.codes, *address)}:
                self.by_code.setdefault(code, set()).add(person)
            self.words[person] = names.folded(person.name), {
                names.folded(word) for word in re.split(r"[\s,]+", person.name)
            } - {""}
            for form in forms(person.name):
                self.by_name.setdefault(form, set()).add(person)
                self.by_plain.setdefault(names.plain(form), set()).add(person)

    def as_json(self):
        return [asdict(person) for person in self.people]

    @classmethod
    def from_json(cls, people):
        return cls(Person(**{**person, "codes": tuple(person["codes"])}) for person in people)

    def about(self, person):
        """What plan.json says of somebody."""
        about = {"name": person.name, "id": person.number, "kind": "roster", "email": person.email}
        return {**about, "group": person.group}

    def missing(self, students):
        """Those of whom there is no entry."""
        there = {(entry.get("name"), entry.get("id")) for entry in students if entry.get("kind") == "roster"}
        return [person for person in self.people if (person.name, person.number) not in there]

    def with_groups_of(self, other):
        """The same people; those without a group have the one that another list knows them in."""
        people = [replace(one, group=one.group or other.group_of(one)) for one in self.people]
        return Roster(people, self.said, self.twice)

    def group_of(self, person):
        """The group here of somebody on another list, by number, address or name; empty where it does not tell."""
        codes = map(folded_code, filter(None, (*person.codes, person.email)))
        named = set().union(*(self.by_name.get(form, ()) for form in forms(person.name)))
        found = [set().union(*(self.by_code.get(code, ()) for code in codes)), named]
        return next((one.group for (one, *more) in filter(None, map(list, found)) if not more), "")

    def members(self, group):
        """Those of a group that hands in together."""
        group = names.folded(group) if names.TEAM.search(group) else ""
        return [person for person in self.people if group and names.folded(person.group) == group]

    def match(self, text, read, trusted=True, group=""):
        """Those whom a name may mean: one, several where it does not tell, or none.

        read: what names.read made of it. trusted: a number in it is the school's, not one that a platform counts by.
        """
        if len(whole := self.by_name.get(names.folded(names.uncopied(text)), ())) == 1:
            return list(whole)
        numbers, logins, named = self.by_codes(text, read), self.by_login(read), self.by_names(read)
        if not trusted:
            found = named or logins or numbers
            found = found & numbers if len(found) > 1 and found & numbers else found
        elif numbers and named:
            found = numbers & named or numbers | named  # where they differ, neither is certain
        else:
            found = numbers or named or logins
        if len(found) > 1 and found & logins:
            found &= logins
        if len(found) > 1 and group:
            found = {person for person in found if person.group and same_group(person.group, group)} or found
        return sorted(found, key=lambda person: person.line)

    def by_codes(self, text, read):
        """By numbers of at least four digits anywhere in the text, or by one that is all there is."""
        found = set()
        for run in re.findall(r"[A-Za-z]*\d[\dA-Za-z]*|\d+", names.tidy(text.translate(names.HALF))):
            for code in {run, *re.findall(r"\d+", run)}:
                if len(code) > 3:
                    found |= self.by_code.get(folded_code(code), set())
        only = read.name or read.number
        return found or (self.by_code.get(folded_code(only), set()) if only.isdigit() else found)

    def by_login(self, read):
        words = {read.name, *re.split(r"[\s_+,;()\[\]]+", read.name), *re.split(r"[^\w@.]+", read.name)}
        return set().union(*(self.by_code.get(folded_code(word), set()) for word in words if len(word) > 1))

    def by_names(self, read):
        if not (whole := names.folded(read.name)):
            return set()
        if found := self.by_name.get(whole) or self.by_plain.get(names.plain(whole)):
            return found
        words = {names.folded(word) for word in re.split(r"[^\w'’·]+|_", read.name)}
        found = {person: own for person, (own, parts) in self.words.items() if is_within(own, parts, words, whole)}
        whole_names = found.values()
        return {
            person for person, own in found.items() if not any(own != other and own in other for other in whole_names)
        }


def is_within(folded, parts, words, whole):
    """Whether somebody's name is part of a longer text: a Chinese one anywhere, others by whole words."""
    if parts and parts <= words:
        return True
    # 李雷雷 is not 李雷, while 李雷的报告 may be.
    return len(folded) > 1 and folded in whole and bool(CHINESE.fullmatch(folded)) and not WHOLE_NAME.fullmatch(whole)


def forms(name):
    """A name with its words in any order, as one."""
    words = [names.folded(word) for word in re.split(r"[\s,]+", name) if names.folded(word)]
    orders = permutations(words) if len(words) <= 4 else [words, words[1:] + words[:1], words[-1:] + words[:-1]]
    return {"".join(order) for order in orders} - {""}


def folded_code(code):
    return names.folded(code).lstrip("0") or names.folded(code)


def same_group(one, other):
    one, other = names.folded(one), names.folded(other)
    return one == other or one in other or other in one


def read_roster(path, columns=None):
    """The Roster in a file. columns: {what it is: heading} beside the usual ones. Raises RosterError."""
    rows = read_rows(path)
    start, fields = headings(path, rows, columns)
    people, said, seen, twice = [], [], {}, {}
    for line, row in rows[start:]:
        values = {}
        for field, cell in zip(fields, row, strict=False):
            if field and cell:
                values.setdefault(field, []).append(cell)
        if any(row[len(fields) :]):
            raise RosterError(
                f"{path} 第 {line} 行的格子比表头多，名字里有逗号时要加引号。 · "
                f"Line {line} of {path} has more cells than headings: a name with a comma in it needs quotes."
            )
        person = person_of(values, line)
        if not person or NOBODY.match(person.name):
            if not person and values:
                said.append(
                    (f"{path.name} 第 {line} 行没有姓名和学号", f"line {line} of {path.name} has no name or number")
                )
            continue
        key = ("number", folded_code(person.number)) if person.number else ("name", names.folded(person.name))
        if before := seen.get(key):
            if key[0] == "number" and names.folded(before.name) == names.folded(person.name):
                twice.setdefault(before.line, []).append(line)
                said.append(
                    (
                        f"{path.name} 第 {before.line} 行和第 {line} 行是同一个人",
                        f"lines {before.line} and {line} of {path.name} are the same person",
                    )
                )
                continue
            what = person.number or person.name
            raise RosterError(
                f"{path} 第 {before.line} 行和第 {line} 行都是 {what}，分不清是谁，请改好再来。 · "
                f"Lines {before.line} and {line} of {path} are both {what}: mend the list, one line for each student."
            )
        seen[key] = person
        people.append(person)
    if not people:
        raise RosterError(f"{path} 里没有学生。 · There are no students in {path}.")
    return Roster(people, said, twice)


def person_of(values, line):
    first = {field: cells[0] for field, cells in values.items()}
    name = first.get("name") or " ".join(filter(None, (first.get("first"), first.get("last"))))
    if "name" not in first and re.fullmatch(rf"[{names.HAN} ]+", name):
        name = first.get("last", "") + first.get("first", "")
    codes = [code for field in ("number", "login") for code in values.get(field, [])]
    if not (name or codes or "email" in first):
        return None
    numbers = values.get("number", [])
    number = max(numbers, key=lambda code: bool(re.search(r"\d", code))) if numbers else ""
    login = first.get("login", "")
    return Person(
        name or login or number or first["email"],
        number or login,
        tuple(dict.fromkeys(codes)),
        first.get("email", ""),
        first.get("group", ""),
        line,
        when(first.get("handed_in", "")),
    )


def headings(path, rows, columns=None):
    """(the place of the first row under the headings, the field of each column or None)."""
    own = {plain_heading(heading): field.replace("id", "number") for field, heading in (columns or {}).items()}
    known_fields = FIELDS | {heading: field for heading, field in own.items() if field in HEADINGS}
    for place, (_, row) in enumerate(rows[:15]):
        fields = [known_fields.get(plain_heading(cell)) for cell in row]
        known = set(fields) - {None}
        if known - {"group", "first", "handed_in"} and (len(known) > 1 or len(row) == 1):
            return place + 1, fields
    raise RosterError(
        f"{path} 里找不到表头，第一行要写明各列是什么，例如：学号,姓名,邮箱,班级。 · "
        f"{path} has no headings: its first line has to say what the columns are, like id,name,email,group."
    )


def plain_heading(cell):
    return re.sub(r"[\W_]", "", cell.casefold())


def read_rows(path):
    """(line, cells) of each row that isn't empty."""
    try:
        content = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
    except OSError:
        raise RosterError(f"打不开 ROSTER={path}。 · ROSTER={path} cannot be opened.") from None
    if content.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
        rows = in_workbook(path, content)
    else:
        rows = in_text(path, decoded(content))
    rows = [(line, [cleaned(cell) for cell in row]) for line, row in rows]
    return [(line, row) for line, row in rows if any(row)]


def encoding_of(content):
    """(its byte order mark, the encoding of the rest) of a text."""
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8")):
        if content.startswith(mark):
            return mark, encoding
    if content[1:2] == b"\0":
        return b"", "utf-16-le"
    for encoding in ("utf-8", "gb18030"):
        with suppress(UnicodeDecodeError):
            content.decode(encoding)
            return b"", encoding
    return b"", "cp1252"


def decoded(content):
    mark, encoding = encoding_of(content)
    return content[len(mark) :].decode(encoding, "replace")


def separator_of(text):
    lines = text.splitlines()[:20]
    return max(",;\t|", key=lambda char: sum(char in line for line in lines))


def in_text(path, text):
    reader = csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=separator_of(text), strict=True)
    rows, begins = [], 1
    try:
        for row in reader:
            rows.append((begins, row))
            begins = reader.line_num + 1
    except csv.Error:
        raise RosterError(
            f"{path} 第 {begins} 行读不出来，看看引号是不是成对。 · "
            f"Line {begins} of {path} cannot be read: check its quotes."
        ) from None
    return rows


def in_workbook(path, content):
    try:
        from openpyxl import load_workbook

        sheet = load_workbook(io.BytesIO(content), read_only=True, data_only=True).worksheets[0]
        rows = sheet.iter_rows(values_only=True, max_row=100_000, max_col=200)
        return [(line, [text_of(cell) for cell in row]) for line, row in enumerate(rows, 1)]
    except Exception:  # an older kind of workbook, or a damaged one
        raise RosterError(
            f"{path} 打不开，请在 Excel 里另存为 CSV，再用 ROSTER 指向它。 · "
            f"{path} cannot be opened: save it as CSV in Excel and give that as ROSTER."
        ) from None


def text_of(cell):
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell)


def cleaned(cell):
    """A cell without what platforms put around it: ="001", '001 and #001 for spreadsheets, Moodle's Participant 12."""
    cell = re.sub(r'^="(.*)"$', r"\1", names.tidy(cell))
    cell = re.sub(r"^['#](?=.)", "", cell)
    return re.sub(r"^(?:Participant|参与者|参加者) ?(?=\d+$)", "", cell)

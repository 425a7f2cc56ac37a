"""Says what was understood of a folder or zip of submissions, before anything is graded and again at the end."""

import unicodedata

LAYOUTS = {
    "file": ("文件名里有学生", "by the name of the file"),
    "folder": ("每人一个文件夹或 zip", "in a folder or zip each"),
    "zip": ("一个学生的 zip", "whose zip this is"),
}
SHORT = 10


def overview(collected):
    """How many students from how many files, and how their names were found."""
    students, files = len(collected.submissions), collected.files
    known = [(LAYOUTS.get(name, (name, f"from {name}")), count) for name, count in collected.layouts.most_common()]
    zh = "，".join(f"{zh} {count}" for (zh, _), count in known)
    en = ", ".join(f"{count} {en}" for (_, en), count in known)
    en = f"{counted(students, 'student')} in {counted(files, 'file')}: {en}"
    return f"{files} 个文件里有 {students} 名学生：{zh}。 · {en}."


def summary(collected, short=True):
    """All that is said before grading."""
    return list(dict.fromkeys([overview(collected), *oddities(collected, short)]))


def oddities(collected, short=True):
    """What a teacher has to know before trusting the rows, a sentence each; short: with a few names only."""
    told = [overview(collected)] if collected.files != len(collected.submissions) else []

    def tell(zh, en, items):
        if items:
            zh_items, en_items = (listed(items, short, language) for language in (0, 1))
            told.append(f"{zh}：{zh_items}。 · {en}: {en_items}.")

    tell(
        "几个文件算作一个学生",
        "Several files became one student",
        [
            (
                f"{name}（取 {counts}，没有算 {'、'.join(shortened(others, short))}）",
                f"{name} ({counts} taken, not {', '.join(shortened(others, short))})",
            )
            for name, (counts, *others) in collected.merged.items()
        ],
    )
    tell(
        "名字或学号相同、或只差一点，算作不同的学生",
        "Names or numbers that are alike became different students",
        [("、".join(same), ", ".join(same)) for same in collected.namesakes],
    )
    tell(
        "不知道是谁的，没有批（请改名，例如 姓名_作业）",
        "Nobody's, not graded (rename them, like alice_forward)",
        [(f"{name}（{zh}）", f"{name} ({en})") for name, (zh, en) in collected.nobodys.items()],
    )
    tell(
        "空文件夹，也许有人的文件没有传上来",
        "Empty folders, perhaps of somebody whose file did not arrive",
        collected.empty,
    )
    tell(
        "当作班级或小组、不当作一个人的文件夹",
        "Folders taken for classes or groups, not for one person",
        collected.groups,
    )
    tell("不在名单上，也批了", "Not on the roster, graded all the same", collected.strangers)
    if collected.roster:
        told.extend(f"{zh}。 · {en[0].upper()}{en[1:]}." for zh, en in collected.roster.said)
    return told


def plan(collected):
    """Everything, for PLAN=1: who is understood to have handed in what."""
    lines = [f"{submission.student} ← {submission.name}" for submission in collected]
    lines += summary(collected, short=False)
    if collected.ignored:
        zh, en = (listed(collected.ignored, False, language) for language in (0, 1))
        lines.append(f"不算作业：{zh}。 · No submissions: {en}.")
    if collected.roster:
        there = [{"name": one.called, "id": one.number, "kind": one.kind} for one in collected]
        lines += absent(collected.roster, there)
    return [legible(line) for line in lines]


def about_entries(told):
    """Sentences on students of earlier runs whose files are not where they were."""
    sentences = {
        "dropped": ("文件不在了、又批不了，已从成绩里去掉", "Their files are gone and could not be graded, taken out"),
        "kept": ("文件不在了，先前的成绩还留着", "Their files are gone, their marks are kept"),
    }
    for what, (zh, en) in sentences.items():
        if people := [name for about, name in told if about == what]:
            yield f"{zh}：{listed(people, True, 0)}。 · {en}: {listed(people, True, 1)}."


def absent(roster, entries):
    """A sentence about those who handed in nothing, if there are any."""
    people = [roster.called[person] for person in roster.missing(entries)]
    if not people:
        return []
    zh, en = (joint.join(people) for joint in ("、", "; " if any("," in name for name in people) else ", "))
    return [f"名单上有 {len(people)} 人没有交：{zh}。 · {len(people)} on the roster handed in nothing: {en}."]


def undated(rows):
    """A sentence about those of whom it is not known how late they were, if there are any."""
    people = [row["student"] for row in rows if row["late"] == "?"]
    if not people:
        return []
    zh, en = listed(people, True, 0), listed(people, True, 1)
    return [
        f"不知道什么时候交的、没有扣分，在平台上看一看：{zh}。 · "
        f"Not known when they handed in, nothing is off, look on the platform: {en}."
    ]


def listed(items, short, language):
    pairs = [item if isinstance(item, tuple) else (item, item) for item in items]
    texts = [pair[language] for pair in pairs]
    more = len(texts) - SHORT
    if short and more > 0:
        texts = [*texts[:SHORT], (f"……共 {len(pairs)} 个", f"… {len(pairs)} in all")[language]]
    return ("；" if any("、" in text for text in texts) else "、", "; ")[language].join(texts)


def shortened(files, short):
    return files if not short or len(files) <= SHORT else [*files[:SHORT], "…"]


def counted(number, thing):
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def legible(line):
    """A line that any terminal takes and nobody is fooled by: names may hold anything."""
    unseen = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return "".join(
        char.encode("unicode_escape").decode() if unicodedata.category(char) in unseen else char for char in line
    )

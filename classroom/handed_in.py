"""What students have handed in over all runs: the entries of plan.json, which file of each counts, and why.

A class is graded more than once: a late folder by itself, the first folder again. So an entry keeps what each place has
of a student, with the time it was handed in, and the newest counts wherever it came from.
"""

import re
import time
from collections import Counter, defaultdict

import names
from collect import several
from platforms import dated_by_download

ABOUT = {"name": "called", "id": "number", "kind": "kind", "email": "email", "group": "group"}


def enter(collected, place, students, stuck, roster=None):
    """Puts what was collected from a place into the entries; (keys of those that changed, what is to be told).

    students: the entries by key, changed in place. stuck: tells whether a key's file cannot be graded and nobody has
    marked it by hand.
    """
    told = []
    if roster:  # first, since what is collected has the new list's numbers
        adopt(roster, students)
    keys, unclear = assigned(collected, place, students)
    collected.nobodys |= unclear
    for submission in [one for one in collected if one.student not in keys]:
        collected.submissions.remove(submission)
    for submission in collected:
        key = keys[submission.student]
        entry = students.setdefault(key, {"from": {}})
        describe(entry, submission)
        handed_in = from_places(entry)
        same = [one for one in handed_in.values() if one["content"] == submission.digest and one["time"]]
        # Copying a folder makes nothing newer.
        times = [(submission.time, submission.told), *((one["time"], one.get("told", False)) for one in same)]
        at, by_platform = min(times, key=lambda one: (not one[1], one[0]))
        for one in same:
            one |= {"time": at, "told": by_platform}
        handed_in.pop("", None)
        handed_in[place] = {
            "file": submission.name,
            "time": at,
            "told": by_platform,
            "content": submission.digest,
            "others": submission.others,
            "beside": list(submission.beside),
            "too_large": submission.too_large,
            "problem": submission.problem,
        }
        entry["from"] = handed_in
    changed = set(keys.values())
    gone = [key for key in students if key not in changed and place in students[key].get("from", {})]
    dropped = [key for key in gone if stuck(key) or students[key]["from"][place]["file"] in collected.owners]
    for key in dropped:
        del students[key]["from"][place]
        if students[key]["from"]:
            changed.add(key)
        else:
            told.append(("dropped", students.pop(key)["name"]))
    told += [("kept", students[key]["name"]) for key in gone if key not in dropped]
    if roster:
        for entry in students.values():
            entry["stranger"] = entry.get("kind") != "roster"
    return changed, told


def describe(entry, submission):
    """Says in an entry whose it is, as far as this submission knows more than those before."""
    said = {field: getattr(submission, attribute) for field, attribute in ABOUT.items()}
    if "name" not in entry or submission.kind == "roster":
        entry |= said
        return
    if submission.number and not entry["id"]:
        entry |= {"id": said["id"], "kind": said["kind"]}
    entry |= {field: entry[field] or said[field] for field in ("email", "group")}


def assigned(collected, place, students):
    """(key of each submission's entry, files of those who may be several students).

    Who is who: by number, by name, by the file. Keys that earlier versions made of names are known by their letters.
    """
    keys, left = {}, list(collected)

    def settle(of_submission, of_entry, fits=lambda one, entry: True):
        taken = set(keys.values())
        entries = defaultdict(list)
        for key in students:
            if key not in taken:
                for mark in of_entry(key, students[key]):
                    entries[mark].append(key)
        wanted, fitting = Counter(), {}
        for one in left:
            known = entries.get(of_submission(one), [])
            fitting[one.student] = [key for key in known if fits(one, students[key])]
            wanted.update(fitting[one.student])
        for one in left:
            if len(fitting[one.student]) == 1 and wanted[fitting[one.student][0]] == 1:
                keys[one.student] = fitting[one.student][0]
        left[:] = [one for one in left if one.student not in keys]
        return {student: found for student, found in fitting.items() if len(found) > 1}

    settle(lambda one: one.digest, lambda key, entry: [] if "name" in entry else [entry["content"]], was_file)
    settle(number_of, lambda key, entry: [(entry.get("kind"), entry["id"])] if entry.get("id") else [], same_number)
    namesakes = settle(lambda one: names.same(one.called), names_of, same_person)
    settle(lambda one: number_of(one)[1] and names.folded(one.called + one.number), names_of, same_person)
    settle(lambda one: one.name, lambda key, entry: [entry.get("from", {}).get(place, {}).get("file")])
    settle(
        lambda one: one.name.rpartition("/")[2], lambda key, entry: [entry.get("file", "").rpartition("/")[2]], was_file
    )
    unclear = {}
    for one in left:
        if one.student in namesakes:
            shown = shown_names(students)
            unclear[one.name] = several(shown[key] for key in namesakes[one.student])
            continue
        taken = [*students, *keys.values()]
        key = names.key_of(one.called, taken)
        keys[one.student] = key if key == one.called else names.key_of(one.student, taken)
    return keys, unclear


def number_of(one):
    return one.kind, one.number


def same_number(one, entry):
    return one.kind == "roster" or names.same(one.called) == names.same(entry["name"])


def names_of(key, entry):
    """An entry's name; of an earlier version's, who may be meant by its key."""
    return [names.same(entry["name"])] if "name" in entry else {names.folded(key), names.same(key)}


def same_person(one, entry):
    """Whether somebody of the same name is the same: not with another number, nor in another class without numbers."""
    if one.number and entry.get("id") and one.kind == entry["kind"]:
        return one.number == entry["id"]
    in_another_class = one.group and entry.get("group") and one.group != entry["group"]
    return not in_another_class or bool(one.number and entry["id"])


def was_file(one, entry):
    """Whether it is the file of an earlier version's entry, which left out folders around all files."""
    return "from" not in entry and f"/{one.name}".endswith(f"/{entry['file']}")


def from_places(entry):
    """What each place had of a student; of an earlier version's entry, what an unknown place had."""
    if "from" in entry:
        return entry["from"]
    known = {field: entry[field] for field in ("file", "content", "others")}
    return {"": {**known, "time": 0.0, "beside": [], "too_large": False, "problem": None}}


def counting(entry):
    """What counts of what a student has handed in: the newest of what was accepted, where any was."""
    until, handed_in = entry.get("until"), list(from_places(entry).values())
    accepted = [one for one in handed_in if until is None or time_of(one) <= until]
    return max(accepted or handed_in, key=lambda one: one["time"] or 0)


def time_of(one):
    """When it was handed in, in seconds since 1970; 0 where that is not known."""
    return (one["time"] or 0.0) if one.get("told") or not dated_by_download(one["file"]) else 0.0


def adopt(roster, students):
    """Gives those in the entries the names and numbers of a roster that came later than they, or another roster."""
    listed = {(person.name, person.number) for person in roster.people}
    there = set()
    for entry in students.values():
        if entry.get("kind") == "roster":
            one = entry["name"], entry["id"]
            there |= {one} & listed
            entry["kind"] = "roster" if one in listed else ""
    for key, entry in students.items():
        if entry.get("kind") == "roster":
            continue
        name = entry.get("name", key)
        known = roster.match(name, names.Named(name, entry.get("id", "")), trusted=not entry.get("kind"))
        if len(known) == 1 and (known[0].name, known[0].number) not in there:
            entry |= roster.about(known[0])
            there.add((known[0].name, known[0].number))


def why_this_file(entry):
    """Clauses that say which of several files counts."""
    counts, places = counting(entry), from_places(entry).values()
    others = {one["content"]: one for one in places if one["content"] != counts["content"]}
    number = 1 + counts["others"] + sum(1 + one["others"] for one in others.values())
    reasons = []
    if number > 1:
        left = [dated(one) for one in others.values()]
        zh, en = f"交了 {number} 份，取最新的 {dated(counts)}", f"the newest of {number} was taken, {dated(counts)}"
        if any(one["time"] > counts["time"] for one in others.values()):
            zh = f"交了 {number} 份，取没有过期的 {dated(counts)}"
            en = f"of {number}, the newest that was not too late was taken, {dated(counts)}"
        reasons.append((zh + f"，没有算 {'、'.join(left)}" * bool(left), en + f", not {', '.join(left)}" * bool(left)))
    if counts["beside"]:
        beside = counts["beside"][:3] + ["…"] * (len(counts["beside"]) > 3)
        reasons.append((f"同一份里没有批 {'、'.join(beside)}", f"not graded beside it: {', '.join(beside)}"))
    return reasons


def dated(one):
    if not (at := time_of(one)):
        return one["file"]
    return f"{one['file']} ({moment(at)})"


def moment(at):
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at)) if at else ""


def shown_names(students):
    """What each key's student is called: by name, and where two have one name with what tells them apart."""
    called = defaultdict(list)
    for key, entry in students.items():
        called[entry.get("name", key)].append(key)
    shown = {}
    for name, keys in called.items():
        for key in keys:
            entry = students[key]
            more = entry.get("id") or entry.get("group") or key
            shown[key] = name if len(keys) == 1 or re.search(rf"\s{re.escape(more)}$", name) else f"{name} {more}"
    return shown

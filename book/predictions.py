"""The questions of “predict first”, as they are written: book/predict/<chapter>.yml, keyed by the sections' anchors.

    out-relu:                               # the section's anchor
    - ask: {zh: …, en: …}
      right: {zh: …, en: …}                 # or a plain text that both languages share
      wrong:                                # one to three, each with the reason for that very mistake
      - answer: {zh: …, en: …}
        because: {zh: …, en: …}
      check: assert …                       # runs when the site is built; a question with numbers needs one
    - ask: {zh: …, en: …}
      number: params                        # or macs, or field: the right answer is what the section's card says
      wrong:
      - answer: 4160
        because: {zh: …, en: …}

What shape a line makes is asked without being written here: `_ext/predict` takes it from the line's card.
"""

import re
import subprocess
import sys
from pathlib import Path

FOLDER = "book/predict/"
NUMBERS = ("params", "macs", "field")
# Characters in Chinese and in English: what fits on a telephone beside the keyboard of its choices.
LONGEST = {"ask": (130, 320), "answer": (70, 160), "because": (150, 360)}

HAN = re.compile("[㐀-鿿]")
CODE = re.compile(r"`[^`]+`")
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
# Sizes of kernels and channels' names aside, a number is something that was worked out.
WORKED_OUT = re.compile(r"(?<![\d.×])\d[\d,]*\d(?![\d×])")

IN_FILE = "{file}：{zh} · {file}: {en}"
IN_QUESTION = "{file} 里 {anchor} 的第 {number} 题：{zh} · {file}, question {number} of {anchor}: {en}"


class PredictionError(Exception):
    """What is wrong with a question; the text says which one, and what to do, in both languages."""


def chapter_of(name):
    """book/predict/03_forward.yml → notebooks/03_forward"""
    return f"notebooks/{name.removeprefix(FOLDER).removesuffix('.yml')}"


def file_of(chapter):
    return f"{FOLDER}{chapter.removeprefix('notebooks/')}.yml"


def check(file, sections):
    """Raises PredictionError unless `sections`, which is what `file` holds, is as this module's head says."""
    if not isinstance(sections, dict) or not all(isinstance(anchor, str) for anchor in sections):
        raise PredictionError(IN_FILE.format(
            file=file, zh="应是“小节的锚点: [问题, …]”，请对照别的章改好。",
            en="it should hold “anchor of a section: [question, …]”; mend it after another chapter's.",
        ))
    for anchor, questions in sections.items():
        if not isinstance(questions, list) or not questions:
            raise PredictionError(IN_FILE.format(
                file=file, zh=f"{anchor} 下面没有问题，请写一题。",
                en=f"there is no question under {anchor}; write one.",
            ))
        for number, question in enumerate(questions, 1):
            if found := trouble(question):
                raise PredictionError(IN_QUESTION.format(
                    file=file, anchor=anchor, number=number, zh=found[0], en=found[1]
                ))


def trouble(question):
    """What is wrong with a question, in Chinese and in English, or None."""
    if not isinstance(question, dict) or not {"ask", "wrong"} <= set(question):
        return "要有 ask 和 wrong。", "it needs `ask` and `wrong`."
    if more := set(question) - {"ask", "right", "number", "wrong", "check"}:
        named = ", ".join(map(str, more))
        return f"不认识 {named}，请去掉。", f"{named} means nothing here; take it out."
    if ("right" in question) == ("number" in question):
        return "right 和 number 要写一个，只写一个。", "it needs `right` or `number`, and not both."
    if question.get("number", "params") not in NUMBERS:
        return f"number 只能是 {'、'.join(NUMBERS)}。", f"`number` is one of {', '.join(NUMBERS)}."
    wrong = question["wrong"]
    if not isinstance(wrong, list) or not 1 <= len(wrong) <= 3:
        return "wrong 要有一到三个。", "`wrong` needs one to three answers."
    if not all(isinstance(choice, dict) and set(choice) == {"answer", "because"} for choice in wrong):
        return "每个错的答案要有 answer 和 because。", "each wrong answer needs `answer` and `because`."
    right = [question["right"]] if "right" in question else []
    texts = [("ask", question["ask"]), *(("answer", answer) for answer in right)]
    for choice in wrong:
        texts += [("answer", choice["answer"]), ("because", choice["because"])]
    for kind, text in texts:
        if found := trouble_with_text(kind, text):
            return found
    answers = [str(answer) for answer in [*right, *(choice["answer"] for choice in wrong)]]
    if len(set(answers)) < len(answers):
        return "两个答案一样。", "two answers are the same."
    if "number" in question:
        if not all(type(choice["answer"]) is int for choice in wrong):
            return "number 的错答案都要是整数。", "the wrong answers beside a `number` have to be whole numbers."
    elif "check" not in question and any(WORKED_OUT.search(f"{text}") for _, text in texts):
        return "里面有数，要写 check 来验证。", "it holds a number and needs a `check` that proves it."
    if not isinstance(question.get("check", ""), str):
        return "check 应是一段 Python。", "`check` should be Python code."
    return None


def trouble_with_text(kind, text):
    if kind == "answer" and isinstance(text, (str, int)) and not isinstance(text, bool):
        return None if str(text).strip() and not HAN.search(str(text)) else (
            "答案里有汉字，请写成 zh 和 en。", "an answer in Chinese needs its `zh` and `en`."
        )
    if not isinstance(text, dict) or set(text) != {"zh", "en"} or not all(
        isinstance(words, str) and words.strip() for words in text.values()
    ):
        return f"{kind} 要有 zh 和 en。", f"`{kind}` needs `zh` and `en`."
    if not HAN.search(text["zh"]):
        return f"{kind} 的 zh 不是中文。", f"the `zh` of `{kind}` is not Chinese."
    if HAN.search(text["en"]):
        return f"{kind} 的 en 里有汉字。", f"the `en` of `{kind}` holds Chinese."
    bare = {language: CODE.sub("", words) for language, words in text.items()}
    for pattern, texts in ((CODE, text), (NUMBER, bare)):
        found = [sorted(pattern.findall(texts[language])) for language in ("zh", "en")]
        if found[0] != found[1]:
            return (
                f"{kind} 的中英文里，代码或数不一样：{found[0]}，{found[1]}。",
                f"code or numbers in the `zh` and the `en` of `{kind}` differ: {found[0]}, {found[1]}.",
            )
    for (language, words), limit in zip(sorted(text.items(), reverse=True), LONGEST[kind], strict=True):
        if len(words) > limit:
            return (
                f"{kind} 的 {language} 有 {len(words)} 个字符，最多 {limit} 个，请缩短。",
                f"the `{language}` of `{kind}` has {len(words)} characters, {limit} at most; shorten it.",
            )
    return None


def run_checks(files, root):
    """Runs what the questions of {file: sections} claim, with the `linewalk` that lies in `root`."""
    claims = [
        (IN_QUESTION.format(
            file=file, anchor=anchor, number=number, zh="说的和 PyTorch 算出的不一样。",
            en="it does not say what PyTorch computes.",
        ), question["check"])
        for file, sections in files.items()
        for anchor, questions in sections.items()
        for number, question in enumerate(questions, 1) if "check" in question
    ]
    if not claims:
        return
    program = Path(__file__).with_name("prove.py")
    run = subprocess.run(
        [sys.executable, program, root], input=repr(claims), capture_output=True, text=True, encoding="utf-8"
    )
    if run.returncode:
        raise PredictionError(run.stderr.strip())

"""What “predict first” says besides its questions, in both languages."""

MISSING = (
    "{file} 里少了这些小节的问题：{anchors}。请给每一节写一题。"
    " · {file} has no question for the sections {anchors}; write one for each."
)
UNKNOWN = (
    "{file} 里的 {anchors} 不是这一章的小节：请改成小节的锚点，或移到它所在的那一章的文件里。"
    " · {anchors} in {file} is no section of the chapter: write the section's anchor, or move it to its chapter's file."
)

SWITCH = {
    "name": ("先猜再看", "Predict first"),
    "off": ("每一节先问一句，猜过再看答案。", "Each section asks first and shows its answer after your guess."),
    "reset": ("清零重来", "Start over"),
}

ON_THE_PAGE = {
    "guess": ("先猜", "Guess first"),
    "check": ("看猜得对不对", "Check"),
    "pass": ("不猜，直接看", "Show me"),
    "right": ("猜对了。", "Right."),
    "wrong": ("不是。", "No."),
    "passed": ("没有猜。", "Passed."),
    "answer": ("答案", "answer"),
    "yours": ("你选的", "your guess"),
    "score": ("这一章 {all} 题：对 {right}，错 {wrong}，跳过 {passed}。",
              "{all} questions in this chapter: {right} right, {wrong} wrong, {passed} passed."),
    "lost": ("问题没有载入，所以全部照常显示；请刷新再试。",
             "The questions did not load, so everything is shown as usual; reload the page and try again."),
}


def of(edition):
    """What the script says: strings, or pairs of them where both languages are shown."""
    number = {"zh": 0, "en": 1}
    return {
        key: list(pair) if edition == "both" else pair[number[edition]] for key, pair in ON_THE_PAGE.items()
    }

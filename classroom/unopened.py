"""Says of a file that is no notebook what it is instead, and what to do about it, in its student's words."""

import json
import re

SAVE = ("请在 Jupyter 里保存后再交一次", "Save it in Jupyter and hand it in again")
DOWNLOAD = ("请在 Jupyter 里下载成 .ipynb 再交", "Download it from Jupyter as .ipynb and hand that in")
UNPACK = ("请交压缩包里的 .ipynb", "Hand in the .ipynb that is packed in it")

# What a file begins with, what to do, what it is.
KINDS = [
    (b"%PDF-", DOWNLOAD, ("是 PDF", "is a PDF")),
    (b"\xd0\xcf\x11\xe0", DOWNLOAD, ("是 Word 一类的文档", "is a document of Word or the like")),
    (b"{\\rtf", DOWNLOAD, ("是 RTF 文档", "is an RTF document")),
    (b"\x89PNG", DOWNLOAD, ("是图片", "is a picture")),
    (b"\xff\xd8\xff", DOWNLOAD, ("是图片", "is a picture")),
    (b"GIF8", DOWNLOAD, ("是图片", "is a picture")),
    (b"Rar!", UNPACK, ("是压缩包", "is an archive")),
    (b"7z\xbc\xaf", UNPACK, ("是压缩包", "is an archive")),
    (b"\x1f\x8b", UNPACK, ("是压缩包", "is an archive")),
    (b"bplist00", ("请先从 iCloud 下载这个文件再交", "Download it from iCloud first, and hand it in again"),
     ("只是 iCloud 的占位文件", "is only iCloud's note of where the file is")),
    (b"version https://git-lfs", ("请交文件本身", "Hand in the file itself"),
     ("只是 Git LFS 的指针", "is only a pointer of Git LFS")),
]
IN_ZIP = [
    (b"word/", DOWNLOAD, ("是 Word 文档", "is a Word document")),
    (b"xl/", DOWNLOAD, ("是 Excel 表格", "is an Excel sheet")),
    (b"ppt/", DOWNLOAD, ("是 PowerPoint 文稿", "is a PowerPoint file")),
    (b"", UNPACK, ("是压缩包", "is an archive")),
]
CODE = re.compile(r"^(import \w|from \S+ import |def \w+\(|class \w+[(:]|# In\[|# ?%%)", re.MULTILINE)
CONFLICT = re.compile(r"^<{7} .*^>{7} ", re.MULTILINE | re.DOTALL)


def what_it_is(content, text, value):
    """What to do and what it is, in Chinese, and in English. value: what it holds as JSON, None if it is none."""
    (zh_do, en_do), (zh_is, en_is) = judged(content, text, value)
    return zh_do, zh_is, en_do, en_is


def judged(content, text, value):
    text = text.strip("\0\ufeff \t\r\n")
    if not text:
        return SAVE, ("是空的", "is empty")
    for begin, do, kind in KINDS:
        if content.startswith(begin):
            return do, kind
    if content.startswith(b"PK"):
        return next((do, kind) for inside, do, kind in IN_ZIP if inside in content)
    if CONFLICT.search(text):
        return (
            ("请先解决 git 的合并冲突（<<<<<<< 到 >>>>>>> 的几行），再交一次",
             "Resolve git's merge conflict (the lines from <<<<<<< to >>>>>>>) and hand it in again"),
            ("里有没解决的合并冲突", "holds a merge conflict"),
        )
    if re.match(r"<(!doctype|html|head|body|\?xml)", text, re.IGNORECASE):
        return DOWNLOAD, ("是浏览器存下的网页（也许是登录页）", "is a web page (of a login, perhaps)")
    if value is not None:
        return DOWNLOAD, ("里没有格子", "has no cells")
    if text[0] in "{[":
        return in_json(text)
    if CODE.search(text):
        return DOWNLOAD, ("是 Python 代码", "is Python code")
    if re.search(r"[\0-\x08\x0e-\x1f]", text[:10_000]):
        return DOWNLOAD, ("是别的程序的文件", "is a file of another program's")
    return DOWNLOAD, ("是普通的文字", "is plain text")


def in_json(text):
    """Of what was JSON once."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        if error.pos >= len(text) - 1 or text[-1] not in "}]":
            return SAVE, ("缺了后面的一截", "is cut off before its end")
        return (
            ("请从 Jupyter 重新下载，不要用别的程序改，再交一次",
             "Download it from Jupyter again, change it in no other program, and hand that in"),
            (f"第 {error.lineno} 行坏了", f"is damaged in line {error.lineno}"),
        )
    except (ValueError, RecursionError):
        pass
    return SAVE, ("套得太深，打不开", "is nested too deep")

"""Comments that a teacher uses again, numbered in the order of saving: OUT/snippets.json, beside the gradebook."""

from grade import locked, read_json, write_json
from written import MAX_COMMENT, TOO_LONG, WrittenError

MOST = 99

DAMAGED = (
    "{path} 坏了，里面不再是一列文字：请改好它，或者删掉。",
    "{path} is damaged and no list of texts any more: mend it, or delete it.",
)
EMPTY = ("先写一句评语，再把它存成常用语。", "Write a comment first, then keep it.")
FULL = (f"常用语最多 {MOST} 条，先删去一条。", f"There are {MOST} snippets, no more fit: remove one first.")


class Snippets:
    def __init__(self, out):
        self.path, self.lock = out / "snippets.json", out / ".snippets.lock"

    def all(self):
        texts = read_json(self.path) if self.path.exists() else []
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise WrittenError(DAMAGED, path=self.path)
        return texts

    def keep(self, text):
        """Adds one at the end, unless it is there."""
        if not text.strip():
            raise WrittenError(EMPTY)
        if len(text) > MAX_COMMENT:
            raise WrittenError(TOO_LONG)
        with locked(self.lock):
            texts = self.all()
            if text in texts:
                return
            if len(texts) >= MOST:
                raise WrittenError(FULL)
            write_json(self.path, [*texts, text])

    def drop(self, text):
        with locked(self.lock):
            write_json(self.path, [one for one in self.all() if one != text])

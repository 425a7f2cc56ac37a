"""What book/glossary.yml says."""

from functools import cache
from pathlib import Path

import yaml

FILE = "book/glossary.yml"


@cache
def groups(folder):
    """Group → its terms."""
    return yaml.safe_load(Path(folder, FILE).read_text(encoding="utf-8"))


@cache
def linked(folder, language):
    """Word → the id of the term that it stands for; None for a phrase in which the word means something else."""
    terms = [term for group in groups(folder).values() for term in group]
    phrases = {phrase.lower(): None for term in terms for phrase in term.get("not_in", {}).get(language, [])}
    return phrases | {
        word.lower(): term["id"] for term in terms for word in term.get("linked", {}).get(language, [term[language]])
    }

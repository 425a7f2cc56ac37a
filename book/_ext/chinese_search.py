"""Sphinx extension: the Chinese search index in a time that grows with the book, not with its square."""

from sphinx.search.zh import SearchChinese


class SeenTerms(set):
    """The terms met so far. Sphinx keeps them as a list, and for every word looks through all of it."""

    extend = set.update


class ChineseSearch(SearchChinese):
    def init(self, options):
        super().init(options)
        self.latin_terms = SeenTerms()


def setup(app):
    app.add_search_language(ChineseSearch)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

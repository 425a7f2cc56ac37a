"""The theme's templates, compiled once for all builds of an edition: they take longer than the page they are for."""

from jinja2 import FileSystemBytecodeCache


def keep_compiled(app):
    """At `builder-inited`: keeps what Jinja compiles beside what Sphinx keeps."""
    if environment := getattr(app.builder.templates, "environment", None):
        environment.bytecode_cache = FileSystemBytecodeCache(str(app.doctreedir))

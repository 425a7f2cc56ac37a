"""The modules within a module, by name."""


def all_modules(module):
    """Every module within one, itself included, in pairs with its whole name; each once, under its first name.

    As `named_modules`, which a module may have given another meaning.
    """
    waiting, found, known = [("", module)], [], set()
    while waiting:
        name, part = waiting.pop()
        if id(part) not in known:
            known.add(id(part))
            found.append((part, name))
            if children := vars(part).get("_modules"):
                prefix = f"{name}." if name else ""
                waiting += [(prefix + key, child) for key, child in reversed(children.items()) if child is not None]
    return found


class ModuleNames:
    """The names of all modules within one, looked up by the module."""

    def __init__(self, module):
        self._module = module
        self._names = {}
        self._read()

    def _read(self):
        self._names = {id(module): name for module, name in all_modules(self._module)}

    def __getitem__(self, module):
        name = self._names.get(id(module))
        if name is None:
            self._read()  # a layer that forward itself has made
            name = self._names.setdefault(id(module), type(module).__name__)
        return name

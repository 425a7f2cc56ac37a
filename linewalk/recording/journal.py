"""What happened in one call of a module, noted in passing; the steps are written when somebody reads.

Writing steps, following receptive fields and drawing up the graph takes longer than many a line takes to run.
"""

from itertools import islice

from ..trail import Call, Change, Step
from .flow import Flow
from .memory import Seen
from .operators import Ran
from .receptive import ReceptiveFields


class Journal:
    """The notes of one trail, and what was read of them so far.

    notes: what happened, in order: one of the methods below, and after it what it takes; flat, since Python's collector
        goes through every tuple again and again. They hold no tensor but as it is kept, and nothing that holds them in
        turn: an unread trail goes as soon as nobody has it.
    has_places: whether forward was given a picture or a signal; if so, tensors are noted with their place in memory.
    scopes: for each function that was followed, the step that called it. flow: the graph, a `Flow`.
    """

    def __init__(self, inputs):
        """`inputs`: what `seen` notes of the tensors that forward was given."""
        inputs = [Seen(*one) for one in inputs]
        self.notes = []
        self.scopes, self.flow = [], Flow(inputs)
        self._fields = ReceptiveFields(inputs)
        self.has_places = bool(self._fields)
        self._trail = self._step = None
        self._running = []  # (step, name → the change that gave it its value) of each function that called the next
        self._latest = {}
        self._calls = []

    def read(self, trail):
        """Go on writing the steps of `trail`, up to now; returns the step that is running."""
        self._trail = trail
        notes = iter(self.notes[:])
        self.notes.clear()
        for what in notes:
            what(self, *islice(notes, what.__code__.co_argcount - 1))
        return self._step

    def entered(self):
        self._running.append((self._step, self._latest))
        self.scopes.append(self._step)
        self._latest = {}

    def left(self):
        step, self._latest = self._running.pop()
        self._step = step or self._step

    def began(self, statement, scope):
        steps = self._trail._written
        self._step = Step(self._trail, statement, len(steps), scope)
        steps.append(self._step)

    def changed(self, name, kept, in_place, same, seen):
        places, field = self._fields.of(Seen(*seen)) if seen else (None, None)
        change = Change(name, self._latest.get(name), kept, in_place, same, field, places)
        self._latest[name] = self._step._changes[name] = change

    def stood(self, name, kept):
        """What a name stood for before the line that may change it, where no line has given it that."""
        self._latest.setdefault(name, Change(name, None, kept, False, ()))

    def called(self, name, type_name, has_children):
        call = Call(name, type_name, is_module=True)
        call._has_children = has_children
        self._calls.append(call)

    def returned(self, kept, seen):
        call = self._calls.pop()
        call._kept = kept
        if seen:
            call.places = self._fields.of(Seen(*seen))[0]
        self._inside()._done.append(call)

    def ran(self, operator, macs, shape, taken, given, args, shown, kept, params):
        """What makes a `Ran`, but for the shape of a result that is `kept`.

        shown: it is a call of its own. params: how many that were not used before.
        """
        ran = Ran(operator, macs, kept.shape if kept else shape, taken, given, args)
        around = inside = self._inside()
        if shown:
            inside = Call(operator.short, operator.name, is_module=False)
            inside._kept = kept
            around._done.append(inside)
        inside._done.append(operator.name)
        if ran.macs:
            inside._macs += ran.macs
        elif ran.macs is None:
            inside._uncounted += (operator.name,)
        inside._params += params
        self.flow.ran(ran, self._calls[-1] if self._calls else None, self._step)
        if self.has_places:
            self._fields.follow(ran)
            if shown and ran.outputs:
                inside.places = self._fields.of(ran.outputs[0])[0]

    def gave(self, memories):
        self.flow.returned(memories)

    def _inside(self):
        return self._calls[-1] if self._calls else self._step

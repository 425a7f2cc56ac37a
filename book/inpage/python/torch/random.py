"""Random numbers: where tensors hold none, seeds change nothing."""

from contextlib import contextmanager

from . import _numbers


class Generator:
    """Numbers of its own; where tensors hold them, as the generator goes on from its seed."""

    def __init__(self, device="cpu"):
        self.manual_seed(67280421310721)

    def manual_seed(self, seed):
        self._seed, self._state = int(seed), None
        return self

    def initial_seed(self):
        return self._seed

    @contextmanager
    def drawing(self):
        """Within it, what is drawn is drawn from here."""
        engine = _numbers.engine
        if engine is None:
            yield
            return
        state = engine.state()
        if self._state is None:
            engine.seeded(self._seed % 2**32)
        else:
            engine.restored(self._state)
        yield
        self._state = engine.state()
        engine.restored(state)


_generator = Generator()


def manual_seed(seed):
    seed = int(seed) % 2**64
    if _numbers.engine is not None:
        _numbers.engine.seeded(seed % 2**32)
    return _generator.manual_seed(seed)


def seed():
    return manual_seed(0).initial_seed()


def initial_seed():
    return _generator.initial_seed()


def get_rng_state():
    return _generator.initial_seed() if _numbers.engine is None else _numbers.engine.state()


def set_rng_state(new_state):
    if _numbers.engine is None:
        _generator.manual_seed(new_state)
    else:
        _numbers.engine.restored(new_state)


@contextmanager
def fork_rng(devices=None, enabled=True, device_type="cuda"):
    """Within it, what is drawn leaves the generator as it was."""
    state = get_rng_state()
    yield
    set_rng_state(state)

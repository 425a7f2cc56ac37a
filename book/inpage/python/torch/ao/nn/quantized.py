"""Operations as modules, so that what prepares a network for whole numbers finds them; they compute as they are."""

from ..._lacking import lacking_names
from ..._public import FUNCTIONS
from ...nn.modules.linear import Identity
from ...nn.modules.module import Module


class FloatFunctional(Module):
    """Sums, products and the like, whose results pass through a module of their own."""

    def __init__(self):
        super().__init__()
        self.activation_post_process = Identity()

    def forward(self, x):
        raise RuntimeError(
            "FloatFunctional is not intended to use the 'forward'. Please use the underlying operation"
        )

    def add(self, x, y):
        return self.activation_post_process(FUNCTIONS["add"](x, y))

    def mul(self, x, y):
        return self.activation_post_process(FUNCTIONS["mul"](x, y))

    def matmul(self, x, y):
        return self.activation_post_process(FUNCTIONS["matmul"](x, y))

    def cat(self, x, dim=0):
        return self.activation_post_process(FUNCTIONS["cat"](x, dim))

    def add_relu(self, x, y):
        return self.activation_post_process(FUNCTIONS["relu"](FUNCTIONS["add"](x, y)))

    add_scalar, mul_scalar = add, mul


__getattr__ = lacking_names("torch.ao.nn.quantized")

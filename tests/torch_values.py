"""Programs that are run on PyTorch and on the page's own `torch` with numbers: what each prints must be the same.

`printed()` runs them all; it needs nothing but whichever `torch` stands first.
"""

import contextlib
import io
import traceback

BLOCK = '''
class Bottleneck(nn.Module):
    def __init__(self, inplanes, planes):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inplanes, planes, 1, bias=False), nn.BatchNorm2d(planes)
        self.conv2, self.bn2 = nn.Conv2d(planes, planes, 3, 2, 1, bias=False), nn.BatchNorm2d(planes)
        self.conv3, self.bn3 = nn.Conv2d(planes, planes * 4, 1, bias=False), nn.BatchNorm2d(planes * 4)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = nn.Sequential(nn.Conv2d(inplanes, planes * 4, 1, 2, bias=False), nn.BatchNorm2d(planes * 4))

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out += self.downsample(x)
        return self.relu(out)
'''

PROGRAMS = {
    "few are drawn one after another": "print(torch.randn(3), torch.randn(4), torch.rand(3))",
    "many are drawn by sixteen": "print(torch.randn(2, 20), torch.randn(16), torch.rand(20))",
    "a seed begins anew": "a = torch.randn(5); torch.manual_seed(0); print(torch.equal(a, torch.randn(5)))",
    "a state is put back": '''
s = torch.get_rng_state(); a = torch.rand(3); torch.set_rng_state(s); print(a == torch.rand(3))''',
    "integers and orders": "print(torch.randint(0, 10, (3, 4)), torch.randperm(12), torch.randint(5, (2,)))",
    "drawn in place": '''
print(torch.empty(20).normal_(1, 0.5), torch.empty(4).uniform_(-1, 1), torch.zeros(3).normal_(std=2))''',
    "a convolution's weights": "c = nn.Conv2d(3, 4, 3); print(c.weight, c.bias)",
    "a linear layer's weights": "l = nn.Linear(5, 3); print(l.weight, l.bias, l(torch.ones(2, 5)))",
    "tossed": """
print(torch.empty(20).bernoulli_(0.3), torch.bernoulli(torch.full((12,), 0.5)), F.dropout(torch.ones(12), 0.2))
print(nn.Dropout(0.5)(torch.ones(3, 4)), nn.Dropout2d(0.5)(torch.ones(1, 6, 1, 2)), torch.rand(2))""",
    "numbers of a generator of one's own": """
g = torch.Generator().manual_seed(7)
print(torch.rand(3, generator=g), torch.randn(20, generator=g), torch.rand(2), torch.randint(9, (4,), generator=g))
print(torch.randperm(5, generator=g), torch.empty(3).normal_(generator=g), torch.rand(2))""",
    "initializations": '''
w = torch.empty(6, 5, 3, 3)
for make in (nn.init.kaiming_normal_, nn.init.kaiming_uniform_, nn.init.xavier_normal_, nn.init.xavier_uniform_):
    print(make(w)[0, 0])
print(nn.init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu")[5, 4], nn.init.constant_(w, 2).sum())''',
    "convolutions": '''
x = torch.randn(2, 4, 7, 8)
for options in ({}, {"stride": 2}, {"padding": 1}, {"stride": 2, "padding": 2}, {"dilation": 2}, {"groups": 2}):
    print(F.conv2d(x, torch.randn(6, 4 // options.get("groups", 1), 3, 3), torch.randn(6), **options)[1, 5])
print(F.conv2d(x, torch.randn(2, 4, 1, 1)).sum((2, 3)))''',
    "layers without numbers": """
import warnings
warnings.simplefilter("ignore")
l, c = nn.Linear(3, 2, device="meta"), nn.Conv2d(3, 2, 1, device="meta")
kept = {"weight": torch.ones(2, 3).half(), "bias": torch.zeros(2).half()}
print(l.weight.is_meta, c.weight.device, nn.Linear(3, 2, device="cpu").bias, l.load_state_dict(kept), l.weight.is_meta)
print(l.load_state_dict(kept, assign=True), l.weight)""",
    "float64 is drawn and convolved": """
print(torch.randn(20, dtype=torch.float64), torch.rand(3, dtype=torch.float64), torch.empty(18).double().normal_(1, 2))
uneven = {"padding": (1, 2), "stride": (2, 1)}
for options in ({}, {"padding": 1}, {"stride": 2, "padding": 2}, {"dilation": 2}, uneven):
    x, w = torch.randn(3, 4, 7, 8).double(), torch.randn(6, 2, 3, 3).double()
    y = F.conv2d(x.requires_grad_(), w.requires_grad_(), groups=2, **options)
    y.pow(2).sum().backward()
    print(y[2, 5], x.grad[1, 2], w.grad[0])""",
    "a large batch of small maps": """
x, w = torch.randn(70, 3, 4, 5, requires_grad=True), torch.randn(6, 3, 1, 1, requires_grad=True)
for weight, options in ((w, {}), (torch.randn(2, 3, 3, 3, requires_grad=True), {"padding": 1})):
    y = F.conv2d(x, weight, **options); y.pow(2).sum().backward()
    print(y[69, 1], x.grad[69, 2], weight.grad[0])""",
    "a batch that is laid out in parts": """
x, w = torch.randn(9, 16, 40, 40), torch.randn(4, 16, 5, 5, requires_grad=True); x.requires_grad_()
y = F.conv2d(x, w, padding=2); y.sum().backward()
print(y[8, 3, :3], y[0, 0, :3], x.grad[8, 15, 20], w.grad[3, 0])""",
    "convolutions of every kind, and their gradients": """
import random
dice, done = random.Random(0), 0
while done < 120:
    groups, sides = dice.choice([1, 1, 2, 3]), (dice.choice([1, 5, 8, 12]), dice.choice([3, 7, 10]))
    of = {"kernel_size": (1, 1, 2, 3, 4), "stride": (1, 1, 2, 3), "padding": (0, 0, 1, 2, 5), "dilation": (1, 1, 2, 3)}
    window = {name: tuple(dice.choices(sizes, k=2)) for name, sizes in of.items()}
    inputs, outputs, samples = (dice.choice(sizes) for sizes in ((1, 2, 5, 8), (1, 3, 4, 9), (1, 2, 8, 11)))
    reach = [d * (k - 1) for d, k in zip(window["dilation"], window["kernel_size"])]
    if any(side + 2 * p <= r for side, p, r in zip(sides, window["padding"], reach)):
        continue
    layer = nn.Conv2d(groups * inputs, groups * outputs, groups=groups, bias=done % 2 == 0, **window)
    x = torch.randn(samples, groups * inputs, *sides, requires_grad=True)
    y = layer(x)
    y.backward(torch.randn(y.shape))
    for found in (y, x.grad, *(one.grad for one in layer.parameters())):
        weighed = found.flatten() * torch.linspace(-1, 1, found.numel())
        print(window, tuple(found.shape), weighed.mean(), found.flatten()[-3:])
    done += 1""",
    "a convolution of much": """
x, layer = torch.randn(70, 24, 9, 9, requires_grad=True), nn.Conv2d(24, 10, 3, 2, 1)
y = layer(x); y.pow(2).mean().backward()
print(y[69, 9], x.grad[69, 23, 4], layer.weight.grad[9, 20], layer.bias.grad)
x = torch.full((2, 3, 6, 6), float("inf")); x[:, 1:] = 1
y = F.conv2d(x.requires_grad_(), torch.ones(3, 1, 3, 3, requires_grad=True), padding=1, groups=3)
y[:, 1:].sum().backward(); print(y[1, :, 0], x.grad[0, 1])""",
    "products of larger matrices": """
for count, rows, inner, columns in ((1, 33, 50, 17), (3, 4, 129, 8), (1, 1, 300, 40), (2, 70, 9, 64), (1, 5, 900, 3)):
    a, b = torch.randn(count, rows, inner), torch.randn(count, inner, columns)
    print((a @ b)[-1, -1], (a @ b).mean((1, 2)), (a[0] @ b[0]).t()[-1], (b.mT @ a.mT).std())""",
    "a batch norm far from zero": """
b, x = nn.BatchNorm2d(3), (torch.randn(4, 3, 5, 5) + 100).requires_grad_()
y = b(x); (y * torch.linspace(-1, 2, 300).view(y.shape)).sum().backward()
print(y[1, 1], x.grad[2, 0], b.weight.grad, b.bias.grad, b.running_mean, b.running_var)
b.eval(); x.grad = None; (b(x) * torch.linspace(-1, 2, 300).view(y.shape)).sum().backward(); print(x.grad[0, 2])""",
    "what is whole, and pads of nothing": """
x = torch.randn(2, 3, 4, requires_grad=True) * 1
print(x[:, ::1].grad_fn.name(), x[0:2, :, 0:9].grad_fn.name(), x[:, ::2].grad_fn.name(), x[-5:].shape, x[:, 1:1].shape)
y = F.pad(x[:, ::1], (0, 0, 0, 0)); y.add_(1); print(torch.equal(y, x + 1), y.grad_fn.name(), x[..., ::1][0, 0])""",
    "a gradient of its own": """
w = torch.ones(3, requires_grad=True); given = torch.arange(3.0)
w.backward(given); w.grad[0] = 5; print(given, w.grad)
a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
(a + b).sum().backward(); a.grad[1] = 7; print(a.grad, b.grad)
o = torch.optim.SGD([a, b], 0.1, momentum=0.5); kept = a.detach(), a.detach().clone(); view = a[:1]
for _ in range(3): o.step()
print(a, b, kept, view, o.state_dict()["state"], a._version)""",
    "dirac and counts": """
print(nn.init.dirac_(torch.empty(6, 2, 3, 3)).nonzero(), nn.init.dirac_(torch.empty(6, 2, 3, 3), 2).nonzero())
print(torch.bincount(torch.tensor([1, 1, 3])), torch.bincount(torch.tensor([1, 0]), minlength=4))
print(torch.bincount(torch.tensor([1, 1, 3]), torch.tensor([0.5, 1, 2])))""",
    "numbers of 16 bits": """
x = torch.randn(20) * 3
for kind in (torch.float16, torch.bfloat16):
    y = x.to(kind)
    print(y, y.float(), y + y * 0.1, y.sum(), y.exp(), torch.full((2,), 0.1, dtype=kind), y.nbytes)
    print(torch.equal(y, y.clone()), y.view(4, 5).t()[1])
    print(torch.tensor([1e-6, 1e-7, 3e-8, 65519.9, -70000.0, float("inf"), float("nan")], dtype=kind))
    z = F.conv2d(torch.randn(2, 3, 6, 6).to(kind), torch.randn(4, 3, 3, 3).to(kind)).mul_(1.5)
    ones = torch.ones(2, 3, dtype=kind)
    print(z[0, 1], F.relu(z).dtype, F.linear(ones * 0.3, ones * 0.1))""",
    "autocast": """
l, c, b = nn.Linear(5, 3), nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4).eval()
with torch.autocast("cpu"):
    o = l(torch.ones(2, 5)); z = b(c(torch.randn(2, 3, 6, 6)))
    print(o, (o + torch.ones(3)).dtype, torch.ones(2).exp().dtype, (torch.ones(2, 2) @ torch.ones(2, 2)).dtype, z[0, 0])
    z.sum().backward()
print(c.weight.grad.dtype, c.weight.grad[0, 0])
with torch.autocast("cpu", dtype=torch.float16):
    print(l(torch.ones(2, 5)).dtype)
    with torch.autocast("cpu", enabled=False):
        print(l(torch.ones(2, 5)).dtype)
print(l(torch.ones(2, 5)).dtype)""",
    "bits are seen as what they were": """
x = torch.ones(3); print(x.view(torch.int32).view(torch.float32), x.view(torch.int32).shape)""",
    "an optimizer's steps": """
p, q = nn.Parameter(torch.randn(5)), nn.Parameter(torch.randn(3))
for options in ({"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}, {"momentum": 0.9, "dampening": 0.5}, {}):
    opt = torch.optim.SGD([p, q], 0.1, **options)
    for _ in range(4):
        opt.zero_grad(); (p.pow(2).sum() + q.sum()).backward(); opt.step()
    print(p, q, p._version)""",
    "a forward's graph": """
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.relu = nn.Conv2d(3, 3, 3, padding=1), nn.ReLU(inplace=True)
        self.down = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3))
    def forward(self, x, scale=2.0):
        identity = self.down(x); out = self.relu(self.conv(x)) * scale; out += identity
        out = torch.flatten(self.relu(torch.cat([out, identity], dim=1)), 2)[:, :2].mean(-1)
        return 1 - self.relu(out).view(out.size(0), -1)
model, x = Model().eval(), torch.randn(2, 3, 4, 4)
traced = torch.fx.symbolic_trace(model)
print(traced.graph, type(traced).__name__, torch.equal(traced(x), model(x)), torch.equal(traced(x, 3.0), model(x, 3.0)))
steps = {node.name: node for node in traced.graph.nodes}
print(list(steps), [name for name, _ in traced.named_modules()], steps["relu"].users, steps["cat"].all_input_nodes)
steps["output"].args = ({"a": steps["relu"]},)
traced.graph.eliminate_dead_code(); traced.delete_all_unused_submodules(); traced.recompile()
print(traced.graph, [name for name, _ in traced.named_modules()], traced(x)["a"].sum())
class Values(nn.Module):
    def forward(self, x): return x if x.sum() > 0 else -x
class Rows(nn.Module):
    def forward(self, x): return [row for row in x]
class Shapes(nn.Module):
    def forward(self, input): return [input.shape[0], input @ input.T, 2 ** input]
class Count(nn.Module):
    def forward(self, x): return len(x)
for module in (Values(), Rows(), Shapes(), Count()):
    try: print(torch.fx.symbolic_trace(module).graph)
    except Exception as error: print(type(error).__name__, error)
print(F.relu(torch.ones(1)), nn.ReLU()(torch.ones(1)))""",
    "what compilers give back": """
import warnings
warnings.simplefilter("ignore")
model = nn.Sequential(nn.Linear(2, 2), nn.ReLU()); x = torch.ones(1, 2)
compiled, traced = torch.compile(model, backend="eager"), torch.jit.trace(model, x)
print(compiled._orig_mod is model, list(compiled.state_dict()), compiled.training, compiled(x).shape)
print(isinstance(traced, torch.jit.ScriptModule), list(traced.state_dict()), torch.equal(traced(x), model(x)))
try: torch.jit.trace(model, torch.ones(1, 3))
except RuntimeError as error: print(error)""",
    "batch norm in training": '''
bn = nn.BatchNorm2d(3); x = torch.randn(4, 3, 5, 5) * 2 + 1; y = bn(x)
print(y[0, 0], bn.running_mean, bn.running_var, bn.num_batches_tracked)''',
    "batch norm in eval": '''
bn = nn.BatchNorm2d(3).eval(); bn.running_mean.fill_(0.5); bn.weight.data.mul_(2)
print(bn(torch.randn(1, 3, 2, 2)))''',
    "a block in training": BLOCK + "b = Bottleneck(8, 4); print(b(torch.randn(2, 8, 6, 6))[1, :3])",
    "a block in eval": BLOCK + '''
b = Bottleneck(8, 4).eval(); y = b(torch.randn(2, 8, 6, 6)); print(y.shape, y[1, 5], y.sum())''',
    "parts and sums": '''
x = torch.randn(3, 4, 5)
print(x.sum(), x.mean(1), x.sum((0, 2)), x.std(), x.var(dim=2, unbiased=False), x.var(0, correction=0))
print(x.max(), x.min(dim=1), x.argmax(2), x.argmin(), x.amax((0, 1)), (x > 0).sum(), (x > 0).any(), (x > -9).all())''',
    "with numbers of other types": '''
i = torch.arange(7)
print(i // 2, i % 3, i / 2, i - 3, i * 1.5, i > 3, ~(i > 3), -i, i.float() ** 2, 2 ** i, i.sum(), i.float().mean())
print(torch.tensor([1.5, -2.7]).int(), torch.tensor([0, 2]).bool(), torch.tensor([True, False]).float(), i.double())
print(torch.tensor([-7, 7]) % 3, torch.tensor([-7., 7.]) // 2, torch.tensor([0.5, 1.5, -2.5]).round())''',
    "views share their memory": '''
x = torch.zeros(3, 4); y = x.view(-1); y[2:5] = torch.tensor([1., 2., 3.]); x.t()[3] += 5; x[1, 1] = 9
print(x, y, x._version, y._version, x.t().is_contiguous(), x.t().reshape(-1), x.t().contiguous().view(2, 6))
z = x.clone(); z.zero_(); print(x.sum(), z.sum()); x.copy_(torch.arange(4.)); print(x)''',
    "in place": '''
x = torch.randn(4); y = x; x += 1; x.mul_(2).sub_(1).clamp_(0); print(y, y is x, F.relu(x - 1, inplace=True))
x = torch.ones(2, 3); x.add_(torch.ones(3), alpha=3); print(x, x.add(1, alpha=2))''',
    "conditions": '''
x = torch.randn(3, 3)
print(torch.where(x > 0, x, torch.zeros(3, 3)), x.masked_fill(x < 0, 7), x.clamp(-0.5, 0.5), F.leaky_relu(x, 0.1))''',
    "products": '''
a, b = torch.randn(3, 5), torch.randn(5, 2)
print(a @ b, torch.bmm(a[None], b[None]), a.T @ a, a @ b[:, 0], b[:, 0] @ b[:, 1], F.linear(a, b.T, torch.ones(2)))''',
    "pooling": '''
x = torch.randn(1, 2, 7, 7)
print(F.max_pool2d(x, 3, 2, 1), nn.MaxPool2d(2)(x), F.adaptive_avg_pool2d(x, 1))
print(F.avg_pool2d(x, 3, 1, 1), F.avg_pool2d(x, 2), F.avg_pool2d(x, 3, 2, 1, count_include_pad=False))
print(nn.AdaptiveAvgPool2d((1, 1))(x).flatten(1))''',
    "a memory is copied by its bytes": '''
x = torch.randn(2, 3); b = torch.empty(0, dtype=torch.uint8).set_(x.untyped_storage()).clone(); x.zero_()
print(b.shape, b[:24].view(torch.float32).as_strided((3, 2), (1, 3), 0), x)''',
    "joined": '''
x = torch.arange(12.).view(2, 2, 3)
print(torch.cat([x, -x], 1), torch.cat([x[0], x[1].clone()]), torch.stack([x[0], x[1]], -1).shape)''',
    "the first of a long row": '''
x = torch.randn(5000); y = x.clone(); y[::64] += 9; z = -y
for row in (x, y, z, x.sort().values, x.round(), torch.zeros(2000)):
    for largest in (True, False):
        print(row.topk(100, largest=largest).values[::11])
x[77] = float("nan"); print(x.topk(3), x.topk(3, largest=False))''',
    "the largest, the smallest and a NaN": """
x = torch.randn(3, 4); x[1, 2] = float("nan")
print(x.amax(), x.amin(1), x.amax(0), (-x).max(), torch.tensor([3]).amin())
""",
    "value by value, or with one for all": """
x = torch.randn(5); y = torch.arange(5.0) - 2; one = torch.tensor([0.5])
for f in (torch.add, torch.sub, torch.mul, torch.div, torch.lt, torch.gt):
    print(f(x, y), f(x, one), f(one, y), f(x, torch.arange(5)))
print(x.abs(), -x, x.ceil(), x.relu(), y.sign(), torch.where(x > 0, x, one))
print(torch.tensor([-0.0, float("nan")]).relu())""",
    "a convolution without outputs": """
try:
    F.conv2d(torch.zeros(1, 3, 4, 4), torch.zeros(0, 3, 1, 1))
except RuntimeError as error:
    print(error)
print(F.conv2d(torch.zeros(0, 3, 4, 4), torch.zeros(2, 3, 1, 1)).shape)""",
    "from bytes": """
b = bytearray(range(24)); print(torch.frombuffer(b, dtype=torch.uint8), torch.frombuffer(b, dtype=torch.int64))
print(torch.frombuffer(b, dtype=torch.int32, offset=4, count=2), torch.frombuffer(b, dtype=torch.bool)[:3])""",
    "picked": """
x = torch.randn(4, 5, 3)
print(x[[2, 0]][:, 1], x[:, torch.tensor([0, 4]), torch.tensor([1, 2])], x[x > 1])
print(x[torch.tensor([True, False, True, False])].sum())
print(x.topk(2, dim=1), x.sort(dim=0, descending=True).indices[0], x.argsort(2)[1], (x > 0).nonzero()[:3])
print(x.gather(1, x.argmax(1, keepdim=True)), x.index_select(2, torch.tensor([2, 0]))[0], x[1].diagonal())
print(torch.take_along_dim(x, x.argsort(1), 1)[2])
x[x < 0] = 0; x[[0, 1], 2] = torch.ones(3); x[..., 2] *= 10; print(x[0])""",
    "laid out anew": """
x = torch.arange(12.).view(3, 4)
print(x.flip(1), x.roll(1, 0), x.roll((1, 2), (0, 1)), x.tril(), x.triu(1), x.repeat(2, 1), x.cumsum(0))
print(F.pad(x[None], (1, 1), mode="reflect"), F.pad(x[None], (0, 2), mode="replicate"), torch.stack([x, -x], 1))
print(F.one_hot(torch.tensor([1, 0])), x.diff(), torch.diag(x[0]))""",
    "nearly the same": """
x, y = torch.tensor([1., 2, float("nan"), float("inf")]), torch.tensor([1., 2.1, float("nan"), float("inf")])
print(torch.isclose(x, y), torch.isclose(x, y, rtol=0.1, equal_nan=True), torch.allclose(x, y))
print(x.nan_to_num(9, posinf=8), torch.equal(x[:2], y[:2]))""",
    "without numbers": """
with torch.device("meta"): c = nn.Conv2d(3, 4, 3)
y = c(torch.empty(1, 3, 5, 5, device="meta"))
print(y.shape, y.device, y.is_meta, c.weight.is_meta, torch.rand(2).to("meta").device, torch.rand(1))""",
    "softmax": "x = torch.randn(3, 4); print(x.softmax(1), F.log_softmax(x, dim=-1))",
    "printed": '''
print(torch.zeros(0), torch.zeros(2, 0), torch.tensor(3), torch.tensor(2.), torch.tensor([1e-9, 1.]))
print(torch.tensor([1e5, 1.]))
print(torch.tensor([1e9, 1.]), torch.arange(30.), torch.tensor([float("nan"), 1., float("inf")]), torch.ones(2, 2, 2))
print(torch.zeros(40, 40), torch.arange(2000), torch.ones(3, dtype=torch.float64))
print(torch.ones(2, requires_grad=True))''',
    "single numbers": '''
x = torch.randn(2, 3)
print(x[0, 0].item(), x.tolist()[1], float(x.sum()), int(torch.tensor(7)), bool((x == x).all()), f"{x[1, 1]:.3f}")
print(torch.equal(x, x.clone()), torch.allclose(x, x + 1e-9), torch.allclose(x, x + 1), x.device, x.is_meta)''',
}


def printed(programs=PROGRAMS):
    """What each program prints: name → text."""
    return {name: _printed(program) for name, program in programs.items()}


def _printed(program):
    import torch
    from torch import nn
    from torch.nn import functional

    torch.manual_seed(0)
    heard = io.StringIO()
    with contextlib.redirect_stdout(heard):
        try:
            exec(program, {"torch": torch, "nn": nn, "F": functional, "__name__": "program"})
        except Exception:
            print(traceback.format_exc())
    return heard.getvalue()

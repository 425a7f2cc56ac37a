"""What a learner types, in the manner of PyTorch's documentation and of questions in its forum; blank lines part them.

Each prints what it prints with PyTorch, or ends in a sentence that says what is missing.
"""

import contextlib
import io
import warnings

SNIPPETS = '''
print(torch.empty(2, 0), torch.zeros(2, 3), torch.ones(2, dtype=torch.int16))

x = torch.rand(5, 3); print(x, x.size(), x.dtype, x.device)

x = torch.tensor([5.5, 3]); print(x, x.new_ones(2, 2, dtype=torch.double), torch.randn_like(x, dtype=torch.float))

x = torch.ones(5); y = torch.zeros(3); w = torch.randn(5, 3, requires_grad=True)
b = torch.randn(3, requires_grad=True)
z = torch.matmul(x, w) + b
loss = torch.nn.functional.binary_cross_entropy_with_logits(z, y); loss.backward(); print(loss, w.grad, b.grad)

x = torch.randn(4, 4); print(x.view(16).size(), x.view(-1, 8).size(), x[0, 0].item())

x = torch.ones(2, 2, requires_grad=True); y = x + 2; z = y * y * 3; out = z.mean(); out.backward()
print(z, out, x.grad)

data = [[1, 2], [3, 4]]; x = torch.tensor(data); print(torch.ones_like(x), torch.rand_like(x, dtype=torch.float))

t = torch.ones(4, 4); t[:, 1] = 0; print(t, t[0], t[:, 0], t[..., -1], torch.cat([t, t, t], dim=1))

t = torch.ones(2, 2); print(t.add_(5), t.T, t @ t.T, t * t, t.sum().item())

t = torch.ones(5); n = t.numpy(); print(n)

import numpy as np; n = np.ones(5); t = torch.from_numpy(n); print(t)

x = torch.arange(1., 4.); print(x, x.mean(), x.std(), x.var(unbiased=False), x.max(), x.argmax())

x = torch.arange(8).reshape(2, 2, 2); print(x, x.permute(2, 0, 1), x.transpose(0, 1), x.flatten(), x.sum(dim=(0, 2)))

x = torch.tensor([[1, 2, 3]]); print(x.expand(3, 3), x.repeat(2, 2), x.squeeze(), x.unsqueeze(-1).shape)

x = torch.tensor([1, 2, 3]); print(x / 2, x // 2, x % 2, x ** 2, x > 1, x.float(), x.sum(), x.double().mean())

print(torch.linspace(3, 10, steps=5), torch.logspace(-1, 1, 3), torch.eye(3), torch.full((2, 3), 3.141592))

a = torch.tensor([1., 2.]); b = torch.tensor([3., 4.]); print(torch.dot(a, b), torch.outer(a, b), torch.stack((a, b)))

a = torch.randn(3, 4); b = torch.randn(4, 5); print((a @ b).shape, torch.mm(a, b).equal(a @ b))

torch.mm(torch.randn(3, 4), torch.randn(3, 4))

x = torch.randn(2, 3); print(torch.where(x > 0, x, 0.), torch.clamp(x, -0.5, 0.5), x.abs(), torch.sign(x))

x = torch.tensor([3, 1, 2]); v, i = torch.sort(x); print(v, i, torch.topk(x, 2), torch.argsort(x, descending=True))

x = torch.tensor([1, 1, 2, 3, 3, 3]); print(torch.unique(x), torch.unique(x, return_counts=True), torch.bincount(x))

x = torch.tensor([[1., 2.], [3., 4.]])
print(torch.linalg.inv(x), torch.linalg.det(x), torch.linalg.norm(x), torch.trace(x))

A = torch.tensor([[4., 1.], [1., 3.]])
print(torch.linalg.cholesky(A), torch.linalg.eigvalsh(A), torch.linalg.matrix_rank(A))

A = torch.tensor([[3., 1.], [1., 2.]]); b = torch.tensor([9., 8.]); print(torch.linalg.solve(A, b))

x = torch.randn(3, requires_grad=True); y = x * 2
while y.data.norm() < 1000: y = y * 2
y.backward(torch.tensor([0.1, 1.0, 0.0001])); print(x.grad)

x = torch.randn(2, 2, requires_grad=True); print(x.requires_grad, (x ** 2).requires_grad)
with torch.no_grad(): print((x ** 2).requires_grad)

x = torch.tensor(2.0, requires_grad=True); y = x ** 3 + 2 * x; print(torch.autograd.grad(y, x))

x = torch.tensor(1.0, requires_grad=True); g, = torch.autograd.grad(x ** 3, x, create_graph=True); g.backward()
print(g, x.grad)

x = torch.ones(2, requires_grad=True); y = x * 2; y.backward()

x = torch.ones(1, requires_grad=True); y = x * 2; y.backward(); y.backward()

x = torch.ones(2, requires_grad=True); x += 1

x = torch.ones(3); x[3]

torch.ones(2, 3) + torch.ones(4)

torch.ones(2, 3).view(4, 2)

torch.tensor([1, 2]).mean()

torch.tensor([1.5, 2]).requires_grad_().numpy()

torch.cat([torch.ones(2, 3), torch.ones(3, 3)], dim=1)

m = nn.Linear(20, 30); print(m(torch.randn(128, 20)).size(), m)

m = nn.Conv2d(16, 33, (3, 5), stride=(2, 1), padding=(4, 2), dilation=(3, 1))
print(m, m(torch.randn(2, 16, 20, 30)).mean())

m = nn.ConvTranspose2d(16, 8, 3, stride=2, padding=1); d = nn.Conv2d(8, 16, 3, stride=2, padding=1)
x = torch.randn(1, 8, 12, 12); h = d(x)
print(h.size(), m(h, output_size=x.size()).size(), m(h, output_size=x.size())[0, 0, 0])

m = nn.MaxPool2d(2, stride=2, return_indices=True); u = nn.MaxUnpool2d(2, stride=2)
x = torch.arange(1., 17.).view(1, 1, 4, 4); o, i = m(x); print(o, i, u(o, i))

m = nn.AdaptiveAvgPool2d((5, 7)); print(m(torch.randn(1, 8, 8, 9))[0, 0])

m = nn.AdaptiveMaxPool2d((2, None)); print(m(torch.arange(20.).view(1, 4, 5)))

m = nn.PReLU(); x = torch.randn(2, 3); print(m(x), m.weight)

m = nn.GLU(); print(m(torch.randn(4, 2)))

print(nn.Softmax(dim=1)(torch.randn(2, 3)), nn.LogSoftmax(dim=1)(torch.randn(2, 3)))

m = nn.BatchNorm2d(3, affine=False); print(m(torch.randn(2, 3, 2, 2)), m.running_mean)

m = nn.GroupNorm(3, 6); print(m(torch.randn(2, 6, 2, 2))[0, 0], nn.LayerNorm(4)(torch.randn(2, 4)))

m = nn.InstanceNorm2d(2); print(m(torch.randn(1, 2, 3, 3)))

rnn = nn.RNN(10, 20, 2); out, hn = rnn(torch.randn(5, 3, 10), torch.randn(2, 3, 20)); print(out.shape, hn[1, 2])

rnn = nn.LSTM(10, 20, 2); out, (hn, cn) = rnn(torch.randn(5, 3, 10), (torch.randn(2, 3, 20), torch.randn(2, 3, 20)))
print(out[4, 2, :5], hn.shape, cn[0, 0, :5])

gru = nn.GRU(10, 20, batch_first=True, bidirectional=True); out, hn = gru(torch.randn(3, 5, 10))
print(out.shape, hn[1, 0, :4])

cell = nn.LSTMCell(10, 20); hx, cx = torch.randn(3, 20), torch.randn(3, 20); out = []
for step in torch.randn(4, 3, 10): hx, cx = cell(step, (hx, cx)); out.append(hx)
print(torch.stack(out, dim=0).shape, cx[0, :4])

e = nn.Embedding(10, 3); print(e(torch.LongTensor([[1, 2, 4, 5], [4, 3, 2, 9]])))

e = nn.Embedding(10, 3, padding_idx=0); print(e(torch.tensor([[0, 2, 0, 5]])))

e = nn.Embedding(10, 3); e(torch.tensor([10]))

e = nn.EmbeddingBag(10, 3, mode="sum"); print(e(torch.tensor([1, 2, 4, 5, 4, 3, 2, 9]), torch.tensor([0, 4])))

a = nn.MultiheadAttention(16, 4); q = torch.randn(5, 2, 16); o, w = a(q, q, q); print(o[0, 0, :4], w.sum(-1))

layer = nn.TransformerEncoderLayer(d_model=16, nhead=4, dim_feedforward=32, dropout=0.0)
print(layer(torch.rand(10, 3, 16))[0, 0, :4])

t = nn.Transformer(d_model=16, nhead=4, num_encoder_layers=1, num_decoder_layers=1, dim_feedforward=32).eval()
print(t(torch.rand(10, 3, 16), torch.rand(8, 3, 16))[0, 0, :4])

loss = nn.CrossEntropyLoss(); x = torch.randn(3, 5, requires_grad=True)
y = torch.empty(3, dtype=torch.long).random_(5)
out = loss(x, y); out.backward(); print(y, out, x.grad)

loss = nn.CrossEntropyLoss(); print(loss(torch.randn(3, 5), torch.randn(3, 5).softmax(dim=1)))

nn.CrossEntropyLoss()(torch.randn(3, 5), torch.tensor([0, 5, 1]))

nn.CrossEntropyLoss()(torch.randn(3, 5), torch.tensor([0., 4., 1.]))

nn.NLLLoss()(torch.randn(3, 5), torch.randn(3))

loss = nn.BCELoss(); x = torch.randn(3, requires_grad=True); out = loss(torch.sigmoid(x), torch.empty(3).random_(2))
print(out)

print(nn.KLDivLoss(reduction="batchmean")(F.log_softmax(torch.randn(3, 5), dim=1), F.softmax(torch.rand(3, 5),
    dim=1)))

print(nn.TripletMarginLoss(margin=1.0)(torch.randn(4, 8), torch.randn(4, 8), torch.randn(4, 8)),
    nn.HuberLoss()(torch.ones(2), torch.zeros(2)))

c = nn.CTCLoss(); x = torch.randn(20, 4, 6).log_softmax(2); y = torch.randint(1, 6, (4, 8), dtype=torch.long)
print(c(x, y, torch.full((4,), 20), torch.randint(4, 8, (4,))))

print(F.interpolate(torch.arange(1., 5.).view(1, 1, 2, 2), scale_factor=2, mode="bilinear", align_corners=True))

print(nn.Upsample(scale_factor=2, mode="nearest")(torch.arange(1., 5.).view(1, 1, 2, 2)))

print(F.interpolate(torch.arange(1., 17.).view(1, 1, 4, 4), size=(2, 3), mode="bicubic", align_corners=False))

print(nn.PixelShuffle(2)(torch.arange(16.).view(1, 4, 2, 2)), nn.PixelUnshuffle(2)(torch.arange(16.).view(1, 1, 4,
    4)).shape)

print(F.pad(torch.arange(9.).view(1, 1, 3, 3), (1, 1, 1, 1), mode="reflect"), nn.ZeroPad2d(1)(torch.ones(1, 1, 2, 2)))

u = nn.Unfold(kernel_size=(2, 3)); x = torch.randn(2, 5, 3, 4)
print(u(x).size(), nn.Fold((4, 5), (2, 2))(torch.randn(1, 12, 12)).size())

theta = torch.tensor([[[0., -1., 0.], [1., 0., 0.]]]); g = F.affine_grid(theta, (1, 1, 3, 3), align_corners=False)
print(F.grid_sample(torch.arange(9.).view(1, 1, 3, 3), g, align_corners=False))

x = torch.zeros(3, 5); src = torch.arange(1, 11).reshape(2, 5).float(); i = torch.tensor([[0, 1, 2, 0, 0]])
print(x.scatter_(0, i, src))

t = torch.tensor([[1, 2], [3, 4]]); print(torch.gather(t, 1, torch.tensor([[0, 0], [1, 0]])))

t = torch.tensor([[1, 2], [3, 4]]); torch.gather(t, 1, torch.tensor([[0, 0], [1, 2]]))

x = torch.ones(5, 3); x.index_add_(0, torch.tensor([0, 4, 2]), torch.arange(1., 10.).view(3, 3)); print(x)

x = torch.tensor([1, 2, 3])
print(x.repeat_interleave(2), torch.repeat_interleave(x, torch.tensor([1, 2, 3])), x.tile(2))

print(torch.roll(torch.arange(1, 9).view(4, 2), 1, 0), torch.flip(torch.arange(4).view(2, 2), [0, 1]),
    torch.rot90(torch.arange(4).view(2, 2)))

print(torch.tril(torch.ones(3, 3)), torch.triu_indices(3, 3), torch.diag(torch.tensor([1., 2.])),
    torch.diagonal(torch.eye(2)))

gx, gy = torch.meshgrid(torch.tensor([1, 2, 3]), torch.tensor([4, 5, 6]), indexing="ij"); print(gx, gy)

print(F.one_hot(torch.arange(0, 5) % 3), F.one_hot(torch.arange(0, 5) % 3, num_classes=5))

print(torch.cumsum(torch.arange(5), 0), torch.cumprod(torch.arange(1, 5), 0), torch.cummax(torch.tensor([1., 3.,
    2.]), 0))

print(torch.quantile(torch.arange(5.), 0.4), torch.median(torch.tensor([1., 3., 2., 4.])),
    torch.mode(torch.tensor([1, 2, 2])))

print(torch.histc(torch.tensor([1., 2, 1]), bins=4, min=0, max=3), torch.bucketize(torch.tensor([3, 6, 9]),
    torch.tensor([1, 3, 5, 7, 9])))

print(torch.einsum("ii", torch.ones(4, 4)), torch.einsum("bij,bjk->bik", torch.ones(1, 2, 3), torch.ones(1, 3, 2)))

print(torch.cdist(torch.tensor([[0., 0.]]), torch.tensor([[3., 4.]])), F.cosine_similarity(torch.ones(1, 3),
    torch.ones(1, 3)))

print(torch.fft.fft(torch.arange(4.)))

print(torch.fft.rfft2(torch.ones(2, 2)).abs())

z = torch.complex(torch.tensor([1., 2.]), torch.tensor([3., 4.])); print(z)

print(torch.polar(torch.ones(2), torch.zeros(2)))

z = torch.tensor([1 + 2j]); print(z.real, z.abs())

x = torch.randn(3, device="cuda")

device = "cuda" if torch.cuda.is_available() else "cpu"; print(torch.ones(2).to(device))

model = nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 32), nn.ReLU(), nn.Linear(32, 10))
print(model, model(torch.rand(1, 28, 28)).softmax(1).sum())

net = nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(256, 10))
print(net(torch.randn(2, 1, 28, 28))[0], sum(p.numel() for p in net.parameters()))

net = nn.Sequential(nn.Conv2d(3, 6, 5), nn.Flatten(), nn.Linear(100, 10)); net(torch.randn(1, 3, 32, 32))

x = torch.linspace(-3.14, 3.14, 200); y = torch.sin(x); p = torch.stack([x ** n for n in (1, 2, 3)], -1)
m = nn.Sequential(nn.Linear(3, 1), nn.Flatten(0, 1)); o = torch.optim.RMSprop(m.parameters(), lr=1e-3)
for _ in range(20): loss = F.mse_loss(m(p), y, reduction="sum"); o.zero_grad(); loss.backward(); o.step()
print(f"{loss.item():.3f}", m[0].weight)

m = nn.Linear(2, 1); o = torch.optim.Adam(m.parameters(), lr=0.1); l = m(torch.ones(4, 2)).mean(); l.backward()
o.step(); print(m.weight, m.bias)

m = nn.Linear(2, 2); print({k: v.shape for k, v in m.state_dict().items()}); import io; f = io.BytesIO()
torch.save(m.state_dict(), f); f.seek(0)
print(m.load_state_dict(torch.load(f)))

s = torch.optim.lr_scheduler.StepLR(torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1), step_size=30)
print(s.get_last_lr())

ds = torch.utils.data.TensorDataset(torch.arange(6.).view(3, 2), torch.arange(3))
dl = torch.utils.data.DataLoader(ds, batch_size=2); print([b for b in dl])

print(torch.allclose(torch.tensor([1.0]), torch.tensor([1.0 + 1e-9])), torch.isclose(torch.ones(2), torch.tensor([1.,
    1.1])))

print(torch.nn.utils.clip_grad_norm_([nn.Parameter(torch.ones(2))], 1.0),
    torch.nn.utils.parameters_to_vector([nn.Parameter(torch.ones(2))]))

p = nn.Parameter(torch.ones(2)); p.grad = torch.tensor([3., 4.]); print(nn.utils.clip_grad_norm_([p], 1.0), p.grad)

s = nn.utils.rnn.pad_sequence([torch.ones(3), torch.ones(2)], batch_first=True); print(s)

x = torch.randn(3, 3)
print(x.shape, x.ndim, x.numel(), x.is_contiguous(), x.t().is_contiguous(), x.stride(), x.T.stride())

x = torch.zeros(2, 3, dtype=torch.float16); print(x, x.bool(), x.to(torch.int8), x.element_size() * x.nelement())

print(torch.tensor([1., float("nan"), float("inf")]).isnan(), torch.tensor([0.1 + 0.2]), torch.tensor(1e-10),
    torch.tensor([1e10, 1]))

torch.set_printoptions(precision=2, sci_mode=True); print(torch.tensor([3.14159, 1]))
torch.set_printoptions(profile="default")
print(torch.tensor([3.14159]))

print(torch.randperm(5), torch.randint(0, 10, (2, 2)), torch.bernoulli(torch.tensor([0.3, 0.9])),
    torch.multinomial(torch.tensor([0., 10, 3, 0]), 2))

print(torch.finfo(torch.float32).eps, torch.iinfo(torch.int32).max, torch.promote_types(torch.int32, torch.float32),
    torch.get_default_dtype())

print(torch.vmap(lambda x: x * 2)(torch.ones(3)))

print(torch.func.grad(lambda x: x ** 2)(torch.tensor(3.0)))

print(torch.autograd.functional.jacobian(lambda x: x ** 2, torch.ones(2)))

print(torch.sparse_coo_tensor([[0, 1], [2, 0]], [3., 4.], (2, 3)))

print(torch.quantize_per_tensor(torch.ones(2), 0.1, 10, torch.quint8))

print(torch.distributions.Normal(0.0, 1.0).log_prob(torch.tensor(0.0)))

print(torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]))

print(torch.stft(torch.ones(16), 4, return_complex=True).shape)

m = nn.LazyLinear(3); print(m(torch.ones(2, 4)).shape)

print(torch.ones(3).to_sparse())

print(torch.hub.list("pytorch/vision"))

x = torch.ones(2, 3); print(x.foo)

print(torch.foo(1))

print(F.foo)

m = nn.Parameter(torch.ones(2)); print(m, m.data, m.detach(), nn.ParameterList([m]))

print(nn.ModuleDict({"a": nn.ReLU(), "b": nn.Linear(2, 2)}), nn.ParameterDict({"w": nn.Parameter(torch.ones(1))}))

f = nn.Bilinear(2, 3, 4)
print(f(torch.randn(5, 2), torch.randn(5, 3)).shape, nn.CosineSimilarity(dim=1)(torch.ones(2, 3), torch.ones(2, 3)))

x = torch.arange(10); print(x[2:8:3], x[x > 6], x[[0, -1]], x[torch.tensor([1, 1])], (x % 2 == 0).nonzero().flatten())

x = torch.randn(2, 3, 4)
print([t.shape for t in x.split(2, dim=2)], [t.shape for t in x.chunk(3, 1)], len(x.unbind()))

x = torch.tensor([[1., 2.], [3., 4.]])
print(x.softmax(0), x.norm(), x.norm(dim=1), x.prod(), x.logsumexp(1), x.exp().log())

x = torch.ones(1, 3, 4, 4)
print(nn.Dropout2d(0.5)(x).sum(), nn.AlphaDropout(0.1).eval()(x).sum(), F.dropout(x, training=False).sum())

h = []; m = nn.Linear(2, 2); m.register_forward_hook(lambda m, i, o: h.append(o.shape)); m(torch.ones(1, 2)); print(h)

x = torch.randn(3, requires_grad=True); x.register_hook(lambda g: g * 2); x.sum().backward(); print(x.grad)

print(torch.asarray([1, 2]), torch.as_tensor([1.0]), torch.column_stack((torch.tensor([1, 2]), torch.tensor([3,
    4]))), torch.block_diag(torch.ones(1, 1), torch.ones(1, 2)))

u, s, v = torch.linalg.svd(torch.tensor([[2., 0.], [0., 1.]]))
print(s, torch.linalg.pinv(torch.tensor([[2., 0.], [0., 4.]])))

q, r = torch.linalg.qr(torch.tensor([[12., -51, 4], [6, 167, -68], [-4, 24, -41]])); print(q, r)

print(torch.cov(torch.tensor([[0., 1, 2], [2, 1, 0]])), torch.corrcoef(torch.tensor([[0., 1, 2], [2, 1, 0]])))

print(torch.cross(torch.tensor([1., 0, 0]), torch.tensor([0., 1, 0]), dim=0), torch.kron(torch.eye(2), torch.ones(1,
    2)))

print(torch.special.gammaln(torch.tensor(4.0)), torch.erf(torch.tensor(0.5)), torch.sigmoid(torch.tensor(0.)),
    torch.lgamma(torch.tensor(3.)))

print(torch.conv2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2)), torch.max_pool2d(torch.arange(4.).view(1, 1, 2,
    2), 2), torch.relu(torch.tensor(-1.)))

t = torch.rand(2, 2); t2 = t.clone(); t.fill_(1)
print(torch.equal(t, t2), t.data_ptr() == t.view(4).data_ptr(), id(t) == id(t.add_(1)))

print(torch.trapezoid(torch.tensor([1., 5, 10])), torch.diff(torch.tensor([1, 3, 2])),
    torch.gradient(torch.tensor([1., 2, 4])))

print(torch.combinations(torch.tensor([1, 2, 3])), torch.cartesian_prod(torch.tensor([1, 2]), torch.tensor([4, 5])))

print(torch.nn.init.xavier_uniform_(torch.empty(2, 2)), torch.nn.init.orthogonal_(torch.empty(2, 3)),
    torch.nn.init.trunc_normal_(torch.empty(3)))

print(torch.tensor([0.1, 0.5]).apply_(lambda v: v * 2), torch.tensor([1, 2, 3]).tolist(), torch.tensor(3).item(),
    float(torch.tensor(2)))

x = torch.ones(2, 3); print(type(x), type(x.shape), type(x.dtype), type(x.device), type(x.max(0)), torch.typename(x))

x = torch.ones(3, requires_grad=True); print(x[:3], x[0:], x.view(1, 3).squeeze(0), x.view(1, 3).squeeze())

x = torch.ones(2, requires_grad=True); print(F.leaky_relu(x * 1, inplace=True), F.unfold(x.view(1, 1, 1, 2), 1))

import warnings; x = torch.ones(2, requires_grad=True); y = x * 2; y.sum().backward()
with warnings.catch_warnings(record=True) as heard: warnings.simplefilter("always"); print(y.grad, x.grad)
print(str(heard[0].message).partition(" (")[0])

print(torch.manual_seed(-1).initial_seed(), torch.rand(2))

x = torch.arange(6.).view(2, 3); x[[0, 1]] = torch.ones(1, 2, 3); x[x > 5] = torch.tensor(7); print(x)

print(F.grid_sample(-torch.ones(1, 1, 2, 2), torch.tensor([[[[2., 2.], [0.3, 0.]]]]), "nearest", align_corners=False))

nn.ConvTranspose2d(1, 1, 2, dilation=2, output_padding=1)(torch.ones(1, 1, 2, 2)).sum()

x = torch.ones(3, requires_grad=True); print(1 - x, x - 1, (x * 3) // 2)
'''.strip().split("\n\n")


def printed():
    """What each prints, and the type and words of the exception that it ends in: snippet → text."""
    return {snippet: _printed(snippet) for snippet in SNIPPETS}


def _printed(snippet):
    import torch
    from torch import nn
    from torch.nn import functional

    torch.manual_seed(0)
    heard = io.StringIO()
    with contextlib.redirect_stdout(heard), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec(snippet, {"torch": torch, "nn": nn, "F": functional, "__name__": "snippet"})
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
    return heard.getvalue()

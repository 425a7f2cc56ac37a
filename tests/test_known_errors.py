"""What is said to do about an error is found by what PyTorch and Python really say, and is about that."""

import copy

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F

from linewalk.recording import known_errors

ONE, TWO, THREE = torch.ones(2), torch.ones(2, 3), torch.ones(2, 3, 4)
PICTURE, WHOLE = torch.ones(1, 2, 3, 3), torch.ones(2, 3).long()


def grad(*shape):
    return torch.ones(shape, requires_grad=True)


def in_place(tensor):
    tensor += 1
    return tensor


def twice():
    y = grad(2).square().sum()
    y.backward()
    y.backward()


def overwritten():
    y = grad(2).exp()
    y += 1
    y.sum().backward()


def view_of_no_grad():
    x = grad(2)
    with torch.no_grad():
        y = x.view(2, 1)
    y += 1


def inference():
    with torch.inference_mode():
        x = torch.ones(2)
    (grad(2) * x).sum().backward()


# What fails → what is said to do about it.
CASES = [
    (lambda: nn.Embedding(5, 3)(torch.tensor([5])), "num_embeddings"),
    (lambda: nn.Embedding(5, 3)(ONE), "x.long()"),
    (lambda: nn.CrossEntropyLoss()(TWO, torch.tensor([0, 4])), "label 4"),
    (lambda: TWO.t().view(-1), "`reshape`"),
    (lambda: torch.cat([torch.ones(1, 2, 8), torch.ones(1, 2, 9)], 1), "one has 8, another 9"),
    (lambda: F.linear((ONE,), ONE), "take the tensor out"),
    (lambda: nn.GroupNorm(4, 6), "divides the channels"),
    (lambda: nn.MultiheadAttention(10, 3), "num_heads must divide"),
    (lambda: nn.Conv2d(2, 3, 7)(PICTURE), "smaller kernel"),
    (lambda: bool(ONE > 0), ".any()"),
    (lambda: grad(2).numpy(), ".detach().numpy()"),
    (lambda: in_place(grad(2)), "make a new value"),
    (lambda: in_place(nn.Parameter(ONE)[0]), "torch.no_grad()"),
    (lambda: nn.Sequential(F.relu), "nn.ReLU()"),
    (lambda: [1 for a, b, c in [TWO.shape]], "3 names on the left"),
    (lambda: torch.einsum("ij,jk->ik", TWO, TWO), "letter j"),
    (lambda: None.shape, "`return`"),
    (lambda: [].shape, "take the tensor out"),
    (lambda: nn.Sequential()[1], "len(…)"),
    (lambda: [][1], "len(…)"),
    (lambda: nn.Module()(ONE), "has no `forward`"),
    (lambda: nn.ReLU()(), "wants 'input' besides"),
    (lambda: nn.ReLU()(ONE, ONE), "takes 2 arguments at most"),
    (lambda: TWO @ TWO, "here they are 3 and 2"),
    (lambda: TWO @ torch.ones(4), "here they are 3 and 4"),
    (lambda: F.scaled_dot_product_attention(THREE[None], torch.ones(1, 2, 3, 5), THREE[None]), "transpose(-2, -1)"),
    (lambda: torch.bmm(TWO, TWO), "use @"),
    (lambda: TWO.view(4, 2), "6 numbers, which [4, 2] cannot hold"),
    (lambda: TWO.view(-1, -1), "Only one size"),
    (lambda: TWO.unflatten(1, (2, 2)), "Dimension 1 has 3"),
    (lambda: TWO.sum(2), "no dimension 2: they go from 0 to 1, counted from the end from -1 to -2"),
    (lambda: TWO.permute(0, 2, 1), "tensor has 2, and 3 were given"),
    (lambda: TWO.repeat(2), "1 where nothing is repeated"),
    (lambda: TWO.expand(2, 4), "there are 3, and 4 are wanted"),
    (lambda: TWO.add_(torch.ones(4, 2, 3)), "Make a new value"),
    (lambda: torch.stack([ONE, torch.ones(3)]), "number 1 is [3]"),
    (lambda: torch.cat([TWO, ONE]), "one has 2, another 1"),
    (lambda: torch.split(torch.ones(5), [2, 2]), "sum to 5"),
    (lambda: F.conv2d(TWO, PICTURE), "4 dimensions (3 without a batch) and got [2, 3]"),
    (lambda: F.conv2d(PICTURE, torch.ones(4, 5, 1, 1)), "5 input channels, and the input, [1, 2, 3, 3], has 2"),
    (lambda: F.batch_norm(PICTURE, torch.zeros(3), torch.ones(3)), "2 channels, and running_mean has 3"),
    (lambda: nn.GroupNorm(2, 4)(torch.ones(1, 6, 2)), "built for 4 channels"),
    (lambda: nn.LayerNorm(4)(TWO), "which must be [4], and the input is [2, 3]"),
    (lambda: nn.RMSNorm(4)(TWO), "which must be [4], and the input is [2, 3]"),
    (lambda: nn.ConvTranspose2d(3, 2, 3)(PICTURE), "3 input channels, and the input, [1, 2, 3, 3], has 2"),
    (lambda: nn.InstanceNorm2d(2)(PICTURE[..., :1, :1]), "[1, 2, 1, 1] gives one for each channel"),
    (lambda: nn.LSTM(5, 4)(THREE), "input_size is 5, and the input's last dimension is 4"),
    (lambda: nn.MultiheadAttention(8, 2)(THREE, THREE, THREE), "is 8, and the input's last dimension is 4"),
    (lambda: nn.MultiheadAttention(4, 2)(THREE, THREE, THREE, attn_mask=TWO), "attn_mask is [2, 3], and [2, 2]"),
    (lambda: nn.PReLU(3)(PICTURE), "3 slopes, and the input 2 channels"),
    (lambda: nn.PixelShuffle(2)(PICTURE), "a multiple of 4"),
    (lambda: nn.Conv2d(3, 4, 1, groups=2), "groups must divide"),
    (lambda: nn.MaxPool2d(5)(PICTURE), "fewer poolings"),
    (lambda: F.max_pool2d(ONE, 2), "4 dimensions (3 without a batch)"),
    (lambda: F.interpolate(THREE, scale_factor=2, mode="bilinear"), "wants 4 dimensions and got 3"),
    (lambda: F.interpolate(PICTURE, size=2, scale_factor=2), "one of the two"),
    (lambda: F.interpolate(PICTURE), "one of the two"),
    (lambda: F.pad(PICTURE, (1, 1), mode="reflect"), "a picture (four) 4"),
    (lambda: F.pad(PICTURE, (5, 5, 5, 5), mode="reflect"), "Pad less"),
    (lambda: nn.ConvTranspose2d(2, 3, 3, 2, output_padding=2)(PICTURE), "smaller than stride"),
    (lambda: F.grid_sample(PICTURE, torch.ones(1, 3, 3, 3)), "2 numbers"),
    (lambda: nn.LSTMCell(5, 4)(TWO), "input_size is 5, and the input's last dimension is 3"),
    (lambda: nn.GroupNorm(4, 8)(torch.ones(1, 6, 2)), "cut into 4 groups"),
    (lambda: TWO[0, 0, 0], "has 2 dimensions"),
    (lambda: TWO.index_put_((torch.tensor([0, 1]),), torch.ones(2, 2)), "[2, 3] and the right side gives [2, 2]"),
    (lambda: nn.LSTM(4, 5)(THREE, (torch.ones(1, 2, 5),) * 2), "is [1, 2, 5], and [1, 3, 5] is wanted"),
    (lambda: torch.cat(ONE), "want a list"),
    (lambda: torch.cat([]), "the loop before it"),
    (lambda: torch.stack([]), "the loop before it"),
    (lambda: THREE.t(), ".transpose(-2, -1)"),
    (lambda: torch.view_as_complex(TWO), "-1, 2"),
    (lambda: torch.einsum("ij->k", TWO), "letter k"),
    (lambda: TWO.gather(1, torch.tensor([0])), "index.unsqueeze(-1)"),
    (lambda: torch.where(ONE, ONE, ONE), "mask.bool()"),
    (lambda: nn.ModuleList()(ONE), "nn.Sequential"),
    (lambda: torch.zeros(2.0), "int(…)"),
    (lambda: TWO[:, -4], "from the end from -1 to -3"),
    (lambda: TWO[:, 5], "Dimension 1 has 3, and there is no number 5"),
    (lambda: TWO[torch.tensor([True, False, True])], "The mask is [3], and what it chooses from is [2, 3]"),
    (lambda: TWO.gather(1, TWO), "index.long()"),
    (lambda: ONE[ONE], "index.long()"),
    (lambda: F.one_hot(ONE), "index.long()"),
    (lambda: ONE.topk(5), "k is larger"),
    (lambda: F.one_hot(torch.tensor([3]), 2), "num_classes - 1"),
    (lambda: ONE.masked_fill(ONE, 0), "mask.bool()"),
    (lambda: ONE.item(), ".mean()"),
    (lambda: torch.tensor([ONE, ONE]), "torch.stack"),
    (lambda: torch.tensor([[1, 2], [3]]), "one has 2, another 1"),
    (lambda: ONE @ ONE.double(), "Float and Double"),
    (lambda: F.linear(TWO, TWO.double()), "float and double"),
    (lambda: F.conv2d(PICTURE, PICTURE.double()), "Float is wanted, and Double"),
    (lambda: nn.Conv2d(2, 1, 1)(PICTURE.half()), "Half, the weights are float"),
    (lambda: WHOLE.add_(0.5), "the result is Float, and the tensor Long"),
    (lambda: WHOLE.mean(), ".float()"),
    (lambda: WHOLE.softmax(1), ".float()"),
    (lambda: nn.Linear("3", 4), "take the quotes away"),
    (lambda: nn.BatchNorm1d(4)(torch.ones(1, 4)), "[1, 4] gives one for each channel"),
    (lambda: nn.CrossEntropyLoss()(TWO, torch.ones(2, 1).long()), "target.squeeze(1)"),
    (lambda: nn.CrossEntropyLoss()(TWO, ONE), "target.long()"),
    (lambda: nn.CrossEntropyLoss()(TWO, torch.ones(3).long()), "2 samples and 3 labels"),
    (lambda: nn.BCELoss()(TWO, ONE), "one shape"),
    (lambda: nn.BCEWithLogitsLoss()(TWO, ONE), "one shape"),
    (lambda: nn.BCELoss()(TWO * 2, TWO), "torch.sigmoid"),
    (lambda: ONE.sum().backward(), "torch.no_grad()"),
    (lambda: (grad(2) * 2).backward(), ".sum() first"),
    (twice, "retain_graph=True"),
    (overwritten, "inplace=True"),
    (lambda: in_place((grad(4) * 1).chunk(2)[0]), "chunk, split and unbind"),
    (view_of_no_grad, "within no_grad"),
    (inference, ".clone()"),
    (lambda: in_place(torch.ones(1).expand(3)), "share one number"),
    (lambda: WHOLE.requires_grad_(), "floats"),
    (lambda: copy.deepcopy(grad(2) * 2), ".detach()"),
    (lambda: nn.Dropout(2), "here it is 2"),
    (lambda: setattr(nn.Linear(1, 1), "weight", ONE), "`weight` is registered"),
    (lambda: nn.ModuleDict({"a.b": nn.ReLU()}), "underscore"),
    (lambda: nn.Linear(2, 2).load_state_dict({}), "do not fit Linear"),
    (lambda: nn.utils.rnn.pack_padded_sequence(THREE, [1, 2, 3]), "enforce_sorted=False"),
    (lambda: torch.einsum("ijk->ik", TWO), "2 dimensions and 3 letters"),
    (lambda: (ONE > 0) - (ONE > 0), "~mask"),
    (lambda: range(ONE), "int(…)"),
    (lambda: [1, 2] * ONE, "torch.tensor(…)"),
    (lambda: (None)(ONE), "is not None"),
    (lambda: ONE(ONE), "of the type Tensor"),
    (lambda: ONE + None, "types Tensor and NoneType"),
    (lambda: "a" + 1, "str(…)"),
    (lambda: (ONE,) + ONE, "tuple, the other Tensor"),  # noqa: RUF005
    (lambda: range(4 / 2), "write `//`"),
    (lambda: [1, 2][4 / 4], "write `//`"),
]
NOT_HERE = "device=x.device", "no CUDA"  # what only machines with a card, or PyTorch built for one, can say


@pytest.fixture(scope="module")
def said():
    """What each case says."""
    found = []
    for fails, way_out in CASES:
        try:
            fails()
        except Exception as error:  # each raises another
            found.append(error.args[0] if isinstance(error, KeyError) else str(error))
        else:
            pytest.fail(f"nothing failed where {way_out!r} was to help")
    return found


def test_an_error_is_told_with_what_to_do_about_it(said):
    wrong = []
    for text, (_, way_out) in zip(said, CASES, strict=True):
        advice = known_errors.advice(text)
        if advice is None or way_out not in advice.en or not advice.zh:
            wrong.append((text, advice))
    assert not wrong


def test_each_thing_that_is_known_is_said_by_pytorch_or_python(said):
    unsaid = [
        pattern.pattern for pattern, _, en in known_errors._known()
        if not any(words in en for words in NOT_HERE) and not any(pattern.search(text) for text in said)
    ]
    assert not unsaid

"""What to do about errors of PyTorch and Python that beginners meet, told by what they say."""

# What an error says, as a pattern → what to do about it, in Chinese and English, with the pattern's groups.
KNOWN = (
    (
        r"^index out of range in self$",
        "编号超出了嵌入表：编号要小于表的行数（num_embeddings）。请检查词表大小，或把表建大。",
        "A number lies beyond the embedding's table: each must be smaller than its rows (num_embeddings). "
        "Look at the size of the vocabulary, or build a larger table.",
    ),
    (
        r"'indices' to have one of the following scalar types: Long, Int; but got torch\.(\w+)Tensor",
        "嵌入层要的是整数编号，拿到的是 {0} 类型：请给整数张量，例如 x.long()。",
        "An embedding wants whole numbers and got the type {0}: hand it a tensor of whole numbers, as in "
        "x.long().",
    ),
    (
        r"^Target (-?\d+) is out of bounds",
        "标签 {0} 超出了类别：标签要从 0 到类别数减 1。请检查标签，或最后一层的输出个数。",
        "The label {0} is none of the classes: labels go from 0 to one less than their number. Look at the "
        "labels, or at how many numbers the last layer puts out.",
    ),
    (
        r"^view size is not compatible",
        "内存里的次序和要读的次序不一致，`view` 拼不出来：请写 `reshape`，或先 `.contiguous()`。",
        "The order in memory is not the order of reading, and `view` cannot help that: write `reshape`, or "
        "`.contiguous()` before it.",
    ),
    (
        r"^Sizes of tensors must match except in dimension (\d+)\. Expected size (\d+) but got size (\d+)",
        "拼接时，除了第 {0} 维，其余各维都要一样：这里一个是 {1}，一个是 {2}。请先裁切、补边（F.pad）或缩放（F"
        ".interpolate）到一样大。",
        "Tensors that are joined must agree in all dimensions but dimension {0}: here one has {1}, another "
        "{2}. Crop, pad (F.pad) or resize (F.interpolate) them to one size first.",
    ),
    (
        r"must be Tensor, not (tuple|list|dict|NoneType)",
        "这里要张量，拿到的是 {0}：请取出其中的张量（LSTM、GRU、MultiheadAttention 交回的是 tuple，写 out, _ ="
        " …）。",
        "A tensor is wanted here, and {0} was given: take the tensor out of it (LSTM, GRU and "
        "MultiheadAttention give back a tuple: out, _ = …).",
    ),
    (
        r"num_channels \((\d+)\) must be divisible by num_groups \((\d+)\)",
        "{0} 个通道分不成 {1} 组：组数要能整除通道数。",
        "{0} channels cannot be cut into {1} groups: take a number of groups that divides the channels.",
    ),
    (
        r"embed_dim must be divisible by num_heads",
        "宽度分不成这么多个头：num_heads 要能整除 embed_dim。",
        "The width cannot be cut into so many heads: num_heads must divide embed_dim.",
    ),
    (
        r"Calculated padded input size per channel: \((.+?)\)\. Kernel size: \((.+?)\)",
        "输入（连补边）只有 {0}，比卷积核 {1} 还小：请用大一点的输入，加 padding，或用小一点的卷积核。",
        "The input, its rim included, is only {0}, less than the kernel of {1}: take a larger input, more "
        "padding, or a smaller kernel.",
    ),
    (
        r"Boolean value of Tensor with more than one value is ambiguous",
        "`if` 要一个真假，这个张量却有许多个：请写 `.any()`、`.all()`，或用 torch.where 逐个选。",
        "An `if` wants one answer, and this tensor has many: write `.any()` or `.all()`, or choose element by "
        "element with torch.where.",
    ),
    (
        r"Can't call numpy\(\) on Tensor that requires grad",
        "这个张量还连着梯度，不能直接换成 NumPy：请写 `.detach().numpy()`。",
        "This tensor is still part of the record for gradients and cannot become NumPy's: write "
        "`.detach().numpy()`.",
    ),
    (
        r"a leaf Variable that requires grad is being used in an in-place operation",
        "参数不能这样原地改写：请写成新的值（w = self.w + 1），或放在 torch.no_grad() 里。",
        "A parameter cannot be overwritten in place like this: make a new value (w = self.w + 1), or do it "
        "within torch.no_grad().",
    ),
    (
        r"(\S+) is not a Module subclass",
        "容器里只能放模块，{0} 是函数：请换成同名的层（F.relu → nn.ReLU()）。",
        "Only modules go into a container, and {0} is a function: use the layer of that name (F.relu → "
        "nn.ReLU()).",
    ),
    (
        r"^(?:not enough|too many) values to unpack \(expected (\d+)(?:, got \d+)?\)",
        "等号左边有 {0} 个名字，右边的个数不一样：请对一下，例如张量有几维。",
        "There are {0} names on the left, and not as many values on the right: compare them, as in how many "
        "dimensions a tensor has.",
    ),
    (
        r"^einsum\(\): subscript (\w) has size (\d+) .* previously seen size (\d+)",
        "字母 {0} 在两边要一样长：一边是 {1}，另一边是 {2}。",
        "The letter {0} must have one length on both sides: one has {1}, the other {2}.",
    ),
    (
        r"^'NoneType' object has no attribute '(\w+)'",
        "`.{0}` 前面的值是 `None`：多半是前面的函数漏写了 `return`，或者这个值还没有给。",
        "What stands before `.{0}` is `None`: most likely a function before it lacks its `return`, or nothing "
        "was given yet.",
    ),
    (
        r"^'(tuple|list|dict)' object has no attribute '(\w+)'",
        "`.{1}` 前面的值是 {0}，不是张量：请先取出其中的张量（LSTM、GRU、MultiheadAttention 交回的是 tuple）。",
        "What stands before `.{1}` is a {0} and no tensor: take the tensor out of it first (LSTM, GRU and "
        "MultiheadAttention give back a tuple).",
    ),
    (
        r"^index (\d+) is out of range$|^(?:list|tuple) index out of range$",
        "编号太大，里面没有那么多个：编号从 0 开始，最后一个是 len(…) − 1。",
        "The number is too large, there are not so many: they are counted from 0, and the last one is len(…) "
        "− 1.",
    ),
    (
        r"^mat1 and mat2 shapes cannot be multiplied \((\d+)x(\d+) and (\d+)x(\d+)\)",
        "左边每行有 {1} 个数，右边每列有 {2} 个，要一样多才乘得起来：看看是不是少了一次转置（`.transpose(-2, -1)`）。",
        "Each row on the left has {1} numbers and each column on the right {2}, and a product needs as many of both: "
        "look "
        "whether a transpose is missing (`.transpose(-2, -1)`).",
    ),
    (
        r"^Expected size for first two dimensions of batch2 tensor to be: \[(\d+), (\d+)\] but got: \[(\d+), (\d+)\]",
        "右边的矩阵开头两维要是 {0}×{1}，实际是 {2}×{3}：左边每行几个数，右边每列就要几个；看看是不是少了一次转置（"
        "`.transpose(-2, -1)`）。",
        "The matrices on the right must begin with {0}×{1} and begin with {2}×{3}: as many numbers as a row on the "
        "left "
        "has, a column on the right must have; look whether a transpose is missing (`.transpose(-2, -1)`).",
    ),
    (
        r"^The expanded size of the tensor \((\d+)\) must match the existing size \((\d+)\) at non-singleton dimension "
        r"(\d+)",
        "形状对不上：第 {2} 维要 {0}，实际是 {1}；只有长度为 1 的维能铺开。",
        "The shapes do not fit: dimension {2} must be {0} and is {1}; only dimensions of length 1 can be spread.",
    ),
    (
        r"^shape mismatch: value tensor of shape \[(.+?)\] cannot be broadcast to indexing result of shape \[(.+?)\]",
        "等号左边取出的是 [{1}]，右边给的是 [{0}]，放不进去：两边的形状要一样。",
        "The left side takes out [{1}] and the right side gives [{0}], which does not fit in: both need one shape.",
    ),
    (
        r"^shape '\[(.+?)\]' is invalid for input of size (\d+)",
        "一共有 {1} 个数，排不成 [{0}]：各维相乘要等于 {1}（`-1` 的那一维要能整除）。多半是前面的形状和想的不一样，"
        "或者宽度不能被头数整除。",
        "There are {1} numbers, and they do not make [{0}]: its sizes must multiply to {1} (with `-1`, divide it). "
        "Most "
        "likely the shape before is another than you think, or the width cannot be cut into so many heads.",
    ),
    (
        r"^Dimension out of range \(expected to be in range of \[(-?\d+), (-?\d+)\], but got (-?\d+)\)",
        "没有第 {2} 维：这个张量的维从 {0} 到 {1}，从 0 数起。请看一下它有几维。",
        "There is no dimension {2}: this tensor's go from {0} to {1}, counted from 0. Look at how many it has.",
    ),
    (
        r"^permute.* i\.e\. input\.dim\(\) = (\d+) is not equal to len\(dims\) = (\d+)",
        "`permute` 要把每一维都写上：这个张量有 {0} 维，写了 {1} 个。",
        "`permute` wants every dimension named: this tensor has {0}, and {1} are written.",
    ),
    (
        r"^split_with_sizes expects split_sizes to sum exactly to (\d+) \(input tensor's size at dimension "
        r"(-?\d+)\), but "
        r"got split_sizes=\[(.+?)\]",
        "第 {1} 维的长度是 {0}，各段 [{2}] 加起来要正好是 {0}。",
        "Dimension {1} is {0} long, and the pieces [{2}] must add up to exactly {0}.",
    ),
    (
        r"^index (\d+) is out of bounds for dimension (\d+) with size (\d+)",
        "第 {1} 维只有 {2} 个，从 0 数起，没有编号 {0}。",
        "Dimension {1} has {2} places, counted from 0, and none of the number {0}.",
    ),
    (
        r"^The shape of the mask \[(.+?)\] at index (\d+) does not match the shape of the indexed tensor \[(.+?)\]",
        "用来挑选的真假张量是 [{0}]，被挑的是 [{2}]：第 {1} 维要一样长。",
        "The mask is [{0}] and what it picks from is [{2}]: in dimension {1} both must be equally long.",
    ),
    (
        r"^input\.size\(-1\) must be equal to input_size\. Expected (\d+), got (\d+)",
        "这一层每步要读 {0} 个数，实际是 {1} 个：请改输入的最后一维，或改 input_size。",
        "This layer reads {0} numbers at each step and got {1}: change the input's last dimension, or input_size.",
    ),
    (
        r"^Expected hidden\[(\d)\] size \((.+?)\), got \[(.+?)\]",
        "给的状态是 [{2}]，要的是 ({1})：层数×方向数在最前，批在中间（`batch_first` 不管它）。",
        "The state that was given is [{2}], and ({1}) is wanted: layers times directions come first, the batch second "
        "(`batch_first` does not change that).",
    ),
    (
        r"^result type (\w+) can't be cast to the desired output type (\w+)",
        "整数的张量里放不进小数（{0} → {1}）：请先 `.float()`。",
        "Whole numbers cannot hold what comes out here ({0} → {1}): make it `.float()` first.",
    ),
    (
        r"^mean\(\): could not infer output dtype|not implemented for '(?:Long|Int)'",
        "整数不能这样算：请先 `.float()`。",
        "This cannot be worked out with whole numbers: make it `.float()` first.",
    ),
    (
        r"^Only Tensors of floating point and complex dtype can require gradients",
        "整数没有梯度，做不成参数：请先 `.float()`，或用 register_buffer。",
        "Whole numbers have no gradient and cannot be a parameter: make it `.float()` first, or use register_buffer.",
    ),
    (
        r"^unsupported operand type\(s\) for (\S+): '(\w+)' and '(\w+)'",
        "`{0}` 的一边是 {1}，另一边是 {2}，算不了：看看哪一边还没有值，或者是放错了的东西。",
        "On the two sides of `{0}` are {1} and {2}, which do not go together: look which one has no value yet, or is "
        "the "
        "wrong thing.",
    ),
    (
        r"^Given normalized_shape=\[(.+?)\], expected input with shape \[(.+?)\], but got input of size ?\[(.+?)\]",
        "这个 LayerNorm 管最后的 [{0}]，输入却是 [{2}]：最后一维要一样；通道在第 1 维的图要先换维。",
        "This LayerNorm looks after the last [{0}], and the input is [{2}]: its end must agree; maps with their "
        "channels "
        "in dimension 1 need a permute first.",
    ),
    (
        r"^Given transposed=1, weight of size \[.+?\], expected input\[.+?\] to have (\d+) channels, but got (\d+) "
        r"channels",
        "这个转置卷积要 {0} 个通道，实际是 {1} 个：请改输入，或改它的输入通道数。",
        "This transposed convolution wants {0} channels and got {1}: change the input, or its input channels.",
    ),
    (
        r"^Tensors must have same number of dimensions: got (\d+) and (\d+)",
        "拼接的张量维数要一样，这里是 {0} 维和 {1} 维：请用 `unsqueeze` 补上缺的维。",
        "Tensors that are joined need equally many dimensions, and these have {0} and {1}: add the missing one with "
        "`unsqueeze`.",
    ),
    (
        r"^cat\(\): argument 'tensors' \(position 1\) must be tuple of Tensors, not Tensor",
        "`torch.cat` 要一个列表：请写 `torch.cat([a, b], dim)`。",
        "`torch.cat` wants a list: write `torch.cat([a, b], dim)`.",
    ),
    (
        r"expect(?:ed|s) a non-empty (?:list of Tensors|TensorList)",
        "列表是空的，没有东西可拼：看看前面的循环是不是一次也没走。",
        "The list is empty, and there is nothing to join: look whether the loop before it never ran.",
    ),
    (
        r"^stack expects each tensor to be equal size, but got \[(.+?)\] at entry (\d+) and \[(.+?)\] at entry (\d+)",
        "叠起来的张量形状要一样：第 {1} 个是 [{0}]，第 {3} 个是 [{2}]。要首尾相接就用 `torch.cat`。",
        "Tensors that are stacked need one shape: number {1} is [{0}], number {3} [{2}]. To join them end to end, use "
        "`torch.cat`.",
    ),
    (
        r"expected condition to be a boolean tensor|only supports boolean masks",
        "这里要真假张量：请写成比较，例如 `mask == 0`，或 `.bool()`。",
        "True and false are wanted here: write a comparison, as in `mask == 0`, or `.bool()`.",
    ),
    (
        r"Expected dtype int32/int64 for index|tensors used as indices must be long|applicable to index tensor of type",
        "编号要整数：请写 `.long()`。",
        "Numbers that name places must be whole: write `.long()`.",
    ),
    (
        r"^Index tensor must have the same number of dimensions as (?:input|self) tensor",
        "编号张量的维数要和被取的一样多：请用 `unsqueeze` 补上（例如 `index.unsqueeze(-1)`），需要时再 `expand`。",
        "The numbers need as many dimensions as what they pick from: add one with `unsqueeze` (`index.unsqueeze(-1)`), "
        "and `expand` it where needed.",
    ),
    (
        r"^Class values must be smaller than num_classes",
        "有的编号超出了类别数：编号要从 0 到类别数减 1。",
        "Some number is beyond the classes: they go from 0 to one less than their number.",
    ),
    (
        r"^Expected input batch_size \((\d+)\) to match target batch_size \((\d+)\)",
        "得分有 {0} 份，标签有 {1} 个，要一样多：看看前面的 `view`、`flatten`。",
        "There are {0} rows of scores and {1} labels, and as many of both are wanted: look at the `view` or `flatten` "
        "before.",
    ),
    (
        r"Target size \(torch\.Size\((.+?)\)\) must be the same as input size \(torch\.Size\((.+?)\)\)",
        "答案是 {0}，得分是 {1}，形状要一样：用 `squeeze(-1)` 或 `unsqueeze(-1)` 对齐。",
        "The answers are {0} and the scores {1}, and one shape is wanted: `squeeze(-1)` or `unsqueeze(-1)` brings them "
        "together.",
    ),
    (
        r"^expected target dtype to be Long or Byte, but got (\w+)|^expected scalar type Long but found (\w+)",
        "标签要整数的类别编号：请写 `.long()`。",
        "Labels must be whole numbers that name classes: write `.long()`.",
    ),
    (
        r"^0D or 1D target tensor expected, multi-target not supported",
        "每个样本只要一个类别编号，标签多了一维：请写 `.squeeze(1)`；一行是 0 和 1 的，用 `.argmax(1)`。",
        "One class number for each sample is wanted, and the labels have a dimension more: write `.squeeze(1)`, or "
        "`.argmax(1)` where a row is 0 and 1.",
    ),
    (
        r"^all elements of input should be between 0 and 1",
        "`binary_cross_entropy` 要 0 到 1 之间的概率：请先过 sigmoid，或改用 `binary_cross_entropy_with_logits`。",
        "`binary_cross_entropy` wants probabilities between 0 and 1: put a sigmoid before it, or use "
        "`binary_cross_entropy_with_logits`.",
    ),
    (
        r"^Given input size: \((.+?)\)\. Calculated output size: \((.+?)\)\. Output size is too small",
        "图已经缩到 {0}，再池化就没有了（{1}）：请用大一点的输入，或少缩几次。",
        "The maps have shrunk to {0}, and pooling leaves nothing ({1}): take a larger input, or shrink less often.",
    ),
    (
        r"^Got (\d)D input, but (\w+) mode needs (\d)D input",
        "`{1}` 插值要 {2} 维的输入，实际是 {0} 维：看看是不是少了批维或通道维。",
        "`{1}` interpolation wants {2} dimensions and got {0}: look whether the batch or the channels are missing.",
    ),
    (
        r"^Tensor must have a last dimension of size 2",
        "要两个数拼成一个复数，最后一维就得是 2：请先 `reshape(…, -1, 2)`。",
        "Two numbers make one complex number, so the last dimension must be 2: `reshape(…, -1, 2)` first.",
    ),
    (
        r"^selected index k out of range",
        "要取的个数比这一维还多：写成 `min(k, x.size(-1))`。",
        "More are asked for than this dimension has: write `min(k, x.size(-1))`.",
    ),
    (
        r"^a Tensor with (\d+) elements cannot be converted to Scalar|^only one element tensors can be converted to",
        "里面不止一个数，换不成 Python 的一个数：请先 `.sum()`、`.mean()`，或取出其中一个。",
        "It holds more than one number and cannot become one of Python's: `.sum()` or `.mean()` it first, or pick one.",
    ),
    (
        r"^t\(\) expects a tensor with <= 2 dimensions, but self is (\d)D",
        "`.t()` 只管两维，这里有 {0} 维：请写 `.transpose(-2, -1)`。",
        "`.t()` is for two dimensions, and here are {0}: write `.transpose(-2, -1)`.",
    ),
    (
        r"^einsum\(\): the number of subscripts in the equation \((\d+)\) does not match the number of dimensions "
        r"\((\d+)\) "
        r"for operand (\d+)",
        "第 {2} 个张量（从 0 数起）写了 {0} 个字母，它却有 {1} 维：一维一个字母。",
        "Tensor {2}, counted from 0, has {0} letters and {1} dimensions: one letter for each dimension.",
    ),
    (
        r"^einsum\(\): output subscript (\w) does not appear",
        "箭头右边的字母 {0} 在左边没有。",
        "The letter {0} on the right of the arrow is not on its left.",
    ),
    (
        r"^expected m1 and m2 to have the same dtype, but got: (\w+) != (\w+)",
        "两边的类型不同，一边是 {0}，一边是 {1}：请用 `.to(…)` 换成一样的。",
        "The two sides differ in type, {0} and {1}: make them one with `.to(…)`.",
    ),
    (
        r"^'(NoneType|Tensor|int|float|list|dict|tuple|str)' object is not callable",
        "括号前面的是 {0}，不能调用：是 None 的话，多半这一层没有建；别的话，看看是不是重名，或括号写多了。",
        "What stands before the parentheses is {0} and cannot be called: where it is None, most likely this layer "
        "was not "
        "built; else look for a name used twice, or parentheses too many.",
    ),
    (
        r"Expected all tensors to be on the same device|is not on the expected device",
        "张量不在同一个设备上：新建的张量要写 `device=x.device`，或用 `.to(x.device)` 搬过去。",
        "The tensors are not on one device: make new ones with `device=x.device`, or move them with `.to(x.device)`.",
    ),
    (
        r"(?:tuple of ints, ?(?:not|but got) |type must be tuple of ints,but got )(float|str)",
        "大小要整数，这里是 {0}：请写 `int(…)`。",
        "Sizes are whole numbers, and here is a {0}: write `int(…)`.",
    ),
    (
        r"input\.size\(-3\)=(\d+) is not divisible by (\d+)",
        "{0} 个通道搬不成更大的图：通道数要能被 {1} 整除。",
        "{0} channels cannot be moved into larger maps: their number must be divisible by {1}.",
    ),
    (
        r"^Module \[(ModuleList|ModuleDict|ParameterList|ParameterDict)\] is missing the required \"forward\" function",
        "{0} 只登记，不会自己跑：请逐个取出里面的来调用，要一个接一个地跑就用 `nn.Sequential`。",
        "A {0} only registers and does not run by itself: call what is in it, one after another, or use "
        "`nn.Sequential`.",
    ),
    (
        r'is missing the required "forward" function',
        "这个类没有 `forward`：请检查是不是拼错了（`foward`），或缩进错了，没有写在类里。",
        "This class has no `forward`: look whether it is misspelt (`foward`), or indented so that it is not "
        "in the class.",
    ),
    (
        r"forward\(\) missing (\d+) required positional arguments?: (.+)$",
        "`forward` 还要 {1}：调用时请一起给。",
        "`forward` wants {1} besides: hand it in when you call the module.",
    ),
    (
        r"forward\(\) takes (?:from \d+ to )?(\d+) positional arguments? but (\d+) w",
        "`forward` 连 self 最多收 {0} 个参数，给了 {1} 个：请少给，或改 `forward`。",
        "`forward` takes {0} arguments at most, self included, and got {1}: hand in fewer, or change "
        "`forward`.",
    ),
)

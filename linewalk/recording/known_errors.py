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
        r"mat1 and mat2 shapes cannot be multiplied \((\d+)x(\d+) and (\d+)x(\d+)\)",
        "矩阵相乘时，左边的最后一维（{1}）要等于右边的行数（{2}），线性层的行数是 in_features：请改其中一个。",
        "In a product of matrices the left one's last dimension ({1}) must equal the right one's rows ({2}); a linear "
        "layer's are its in_features: change one of the two.",
    ),
    (
        r"^shape '\[(.+?)\]' is invalid for input of size (\d+)",
        "这个张量有 {1} 个数，排不成 [{0}]：各维相乘要等于 {1}；可以有一维写成 −1，由 PyTorch 来算。",
        "There are {1} numbers, which cannot be laid out as [{0}]: the sizes must multiply to {1}; one of them may be "
        "−1, and PyTorch works it out.",
    ),
    (
        r"^Given .*expected input\[.+?\] to have (\d+) channels, but got (\d+) channels",
        "这个卷积要 {0} 个通道，实际是 {1} 个：请改输入，或按 {1} 个输入通道来建这一层。",
        "This convolution wants {0} channels and got {1}: change the input, or build the layer for {1} input channels.",
    ),
    (
        r"^Expected more than 1 (?:value per channel|spatial element) when training",
        "训练时归一化要算方差，每个通道至少要有两个数：请给更大的批或更大的图，评测时先写 .eval()。",
        "In training a norm takes a variance and needs at least two numbers a channel: hand in a larger batch or "
        "picture, and call .eval() before evaluation.",
    ),
    (
        r"^Expected number of channels in input to be divisible by num_groups.*and num_groups=(\d+)",
        "输入的通道分不成 {0} 组：组数要能整除通道数，通道数要等于建层时写的 num_channels。",
        "The input's channels cannot be cut into {0} groups: that number must divide them, and they must be as many as "
        "num_channels said.",
    ),
    (
        r"^Given normalized_shape=\[(.+?)\], expected input with shape .*input of size ?\[(.+?)\]",
        "归一化管的是最后几维，要是 [{0}]，输入却是 [{1}]：请改 normalized_shape，或用 permute 把它们移到最后。",
        "The norm is over the last dimensions, which must be [{0}], and the input is [{1}]: change normalized_shape, "
        "or bring the dimensions to be normalized to the end with permute.",
    ),
    (
        r"input_size\. Expected (\d+), got (\d+)$",
        "循环层的每一步要 {0} 个数，实际是 {1} 个：请改输入的最后一维，或改 input_size。",
        "Each step of this recurrent layer takes {0} numbers and got {1}: change the input's last dimension, or "
        "input_size.",
    ),
    (
        r"inconsistent input_size:? got (\d+),? expected (\d+)",
        "循环层的每一步要 {1} 个数，实际是 {0} 个：请改输入的最后一维，或改 input_size。",
        "Each step of this recurrent layer takes {1} numbers and got {0}: change the input's last dimension, or "
        "input_size.",
    ),
    (
        r"expecting embedding dimension of (\d+), but got (\d+)",
        "注意力层要最后一维是 {0}（embed_dim），实际是 {1}：请改输入，或改 embed_dim。",
        "This attention wants {0} in the last dimension (embed_dim) and got {1}: change the input, or embed_dim.",
    ),
    (
        r"^Given input size: \((.+?)\)\. Calculated output size: \(.+?\)\. Output size is too small",
        "输入只有 {0}，比池化的窗口还小：请用大一点的输入、小一点的 kernel_size，或少池化一次。",
        "The input is only {0}, less than the pooling's window: take a larger input, a smaller kernel_size, or one "
        "pooling fewer.",
    ),
    (
        r"^Tensors must have same number of dimensions: got (\d+) and (\d+)",
        "要拼接的张量维数要一样：一个是 {0} 维，一个是 {1} 维。请用 unsqueeze 补上缺的维。",
        "Tensors that are joined must have as many dimensions: one has {0}, another {1}. Add the missing ones with "
        "unsqueeze.",
    ),
    (
        r"^stack expects each tensor to be equal size, but got \[(.*?)\] at entry 0 and \[(.*?)\]",
        "`stack` 要每个张量形状都一样：一个是 [{0}]，另一个是 [{1}]。要沿已有的一维接起来，请用 `cat`。",
        "`stack` wants tensors of one shape: here are [{0}] and [{1}]. To join them along a dimension that they have, "
        "use `cat`.",
    ),
    (
        r"^Dimension out of range \(expected to be in range of \[(-?\d+), (-?\d+)\], but got (-?\d+)\)",
        "这个张量没有第 {2} 维：维的编号从 {0} 到 {1}。请看看它的形状，是不是少了批维。",
        "This tensor has no dimension {2}: they go from {0} to {1}. Look at its shape; the batch may be missing.",
    ),
    (
        r"^index (-?\d+) is out of bounds for dimension (\d+) with size (\d+)",
        "第 {1} 维只有 {2} 个，没有编号 {0}：编号从 0 开始，最后一个是大小减 1。",
        "Dimension {1} has only {2} places and none with the number {0}: they are counted from 0, up to one less than "
        "the size.",
    ),
    (
        r"^too many indices for tensor of dimension (\d+)",
        "这个张量只有 {0} 维，方括号里写的编号更多：请少写几个，或先看看它的形状。",
        "This tensor has {0} dimensions, and there are more numbers in the brackets: write fewer, or look at its shape "
        "first.",
    ),
    (
        r"^The expanded size of the tensor \((\d+)\) must match the existing size \((\d+)\) at non-singleton "
        r"dimension (\d+)",
        "第 {2} 维是 {1}，不能当成 {0}：只有大小是 1 的维才能这样扩展。请用 repeat，或改形状。",
        "Dimension {2} has {1} and cannot stand for {0}: only a dimension of size 1 can be expanded. Use repeat, or "
        "change the shape.",
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

"""`torch.utils.data`: data sets that are looked up by number, in batches."""

from ..._lacking import lacking, lacking_names
from ..._public import FUNCTIONS
from ..._tensor import Tensor


class Dataset:
    def __getitem__(self, index):
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")


class TensorDataset(Dataset):
    def __init__(self, *tensors):
        assert all(tensors[0].size(0) == tensor.size(0) for tensor in tensors), "Size mismatch between tensors"
        self.tensors = tensors

    def __getitem__(self, index):
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self):
        return self.tensors[0].size(0)


def default_collate(batch):
    first = batch[0]
    if isinstance(first, Tensor):
        return FUNCTIONS["stack"](batch)
    if isinstance(first, (int, float)):
        return FUNCTIONS["tensor"](batch)
    if isinstance(first, (tuple, list)):
        return [default_collate(list(part)) for part in zip(*batch, strict=True)]
    if isinstance(first, dict):
        return {name: default_collate([one[name] for one in batch]) for name in first}
    return batch


class DataLoader:
    """Batches in order; `shuffle` and workers are not in this page."""

    def __init__(self, dataset, batch_size=1, shuffle=False, *, drop_last=False, collate_fn=None, num_workers=0):
        if shuffle or num_workers:
            raise lacking("torch.utils.data.DataLoader with shuffle or num_workers")
        self.dataset, self.batch_size, self.drop_last = dataset, batch_size, drop_last
        self.collate_fn = collate_fn or default_collate

    def __len__(self):
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self):
        for number in range(len(self)):
            start = number * self.batch_size
            places = range(start, min(start + self.batch_size, len(self.dataset)))
            yield self.collate_fn([self.dataset[place] for place in places])


__getattr__ = lacking_names("torch.utils.data")

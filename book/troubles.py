"""What the machine refuses, said so that the reader knows what to do."""

import errno
import io
import sys

# Whose terminal has no Chinese characters reads the English, with ? for the others, and no traceback.
if isinstance(sys.stdout, io.TextIOWrapper):
    sys.stdout.reconfigure(errors="replace")

SENTENCES = {
    errno.ENOSPC: ("磁盘满了，请腾出一些空间再试", "The disk is full; free some space and try again"),
    errno.EDQUOT: ("磁盘配额用完了，请腾出空间再试", "The disk quota is used up; free some space, and try again"),
    errno.EFBIG: ("文件大小超过了限制（ulimit -f），请放宽", "A file may not grow so large (ulimit -f); allow more"),
    errno.EROFS: ("这里是只读的，请换一个可以写的文件夹", "This place is read-only; use a folder that can be written"),
    errno.EACCES: ("没有权限，请改权限或换一个文件夹", "Permission is missing; grant it, or use another folder"),
    errno.EPERM: ("没有权限，请改权限或换一个文件夹", "Permission is missing; grant it, or use another folder"),
    errno.EEXIST: ("这里要的是文件夹，却有个同名的文件", "A file has the name of a folder that is needed"),
    errno.EISDIR: ("这里要的是文件，却有个同名的文件夹", "A folder has the name of a file that is needed"),
    errno.ENOTDIR: ("这里要的是文件夹，却有个同名的文件", "A file has the name of a folder that is needed"),
    errno.ENOENT: ("没有这个文件，请补上或取回仓库里的", "There is no such file; add it, or get the repository's back"),
    errno.EMFILE: ("打开的文件太多（ulimit -n），请放宽再试", "Too many files are open (ulimit -n); raise the limit"),
    errno.EIO: ("读写出错，磁盘可能坏了", "Reading or writing failed; the disk may be faulty"),
}


def sentence(error):
    """An OSError in one sentence, in both languages, with the file where it is known."""
    reason = error.strerror or error
    zh, en = SENTENCES.get(error.errno, (f"系统不允许（{reason}）", f"The system refuses ({reason})"))
    return f"{zh}：{error.filename} · {en}: {error.filename}" if error.filename else f"{zh}。 · {en}."

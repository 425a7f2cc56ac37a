"""What the name of a file or folder says about whose it is: a name, a number, a class, or nothing.

People add the assignment, the class, dates, “final” and “(1)” to a name; that is taken off, and nothing of the name.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from functools import cache

INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]|[\x00-\x1f\x7f-\x9f]")
HALF = {ord(full): half for full, half in zip("—–―‐‑−【】〔〕", "------[][]", strict=True)}
HALF |= {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}

ENDING = re.compile(
    r"\.(zip|rar|7z|tar|gz|tgz|bz2|xz|docx?|pdf|py|txt|json|html?|md|xlsx?|csv|ya?ml|png|jpe?g)$", re.IGNORECASE
)
NUMBERED_COPY = r"\(\d{1,3}\)"
COPY = (
    rf"[-_ ]*{NUMBERED_COPY}|[-_ ]+(?:copy|kopie|copie|c[oó]pia|kopia|копия|コピー)(?: ?\d+)?|\(copy\)"
    r"|”? ?[的の](?:副本|コピー)(?: ?\d+)?|[-_ ]*副本 ?\d*"
)
COPIED = re.compile(
    r"^(?:(?:copy (?:\(\d+\) )?of|kopie von|copie de|c[oó]pia d[eio]|копия) |“)|"
    rf"(?:{COPY}|-checkpoint|-ma(?:in|ster)|\.(?:zh|en|both))$",  # the last but one of a repository's zip
    re.IGNORECASE,
)
ENDED = r"\.(?:ipynb|icloud|txt|json|html?|bin|download|zip|tmp|bak|orig|part|partial|crdownload|\d{1,2})|~"
NOTEBOOK = re.compile(rf"\.ipynb(?:{ENDED}|{COPY})*$", re.IGNORECASE)

# What is taken off. Chinese numerals count only where no other character stands before them: 张三 keeps its 三.
HAN = "\u3400-\u9fff"
WORD = rf"[^\W_{HAN}]"  # of any script but Chinese, which stands beside other words without a space
ORDINAL = rf"\d+|(?<![{HAN}])[一二三四五六七八九十]+"
WORK = (
    "作业|实验|实训|实践|练习|习题|报告|项目|任务|考试|测验|期中|期末|答案|代码|程序|源码|提交|未交|已交|补交|迟交|重交|最终版|终版|最终|定稿|终稿|初稿|"
    "修改版|修改后|修改|修订版|更新版|新版|版本|附件|收集结果|收集表|收集|结果|文件夹|文件|汇总|导出|下载|压缩包|打包|名单|成绩表|成绩|"
    "花名册|点名册|统计表|统计|学生名单|笔记本|姓名|学号|班级|序号|编号|座号|同学"
)
CHINESE = (
    r"第[\d一二三四五六七八九十]+(?:次|周|章|节|课|讲|题|份|版|单元|阶段)(?:课|的)?"
    rf"|(?:课程|课后|课堂|上机|平时|编程|个人|家庭|重新|再次|大|的|未|已)*(?:{WORK})(?:\d{{1,3}}(?!\d)|[一二三四五六七八九十]{{1,3}})?"
)
ENGLISH = (
    r"(?:home ?work|hw|assignments?|assgn|asgn|labs?|exercises?|projects?|proj|tasks?|quiz|problem ?set|pset|weeks?|"
    r"revision|version|ver|attempt|submissions?|part)[ _.#-]*\d{1,3}"
    r"|home ?work|hw|assignments?|submissions?|submitted|final|v\d+(?:\.\d+)*|rev\d+|revised|resubmi(?:t|tted|ssion)|"
    r"latest|updated|untitled\d*|copy|lab|project|exercise"
)
DATE = (
    r"(?<!\d)20\d\d[-_.年/]\d{1,2}[-_.月/]\d{1,2}日?"
    r"(?:[T _-]{1,3}\d{1,2}[-:_.时]?\d{2}(?:[-:_.分]?\d{2}(?:\.\d+)?秒?)?(?: ?[AP]M)?)?(?: ?UTC| ?Z)?"
    r"|(?<!\d)20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
    r"(?:[T _-](?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?|(?:[01]\d|2[0-3])[0-5]\d[0-5]\d)(?!\d)"
    r"|(?<!\d)\d{1,2}月\d{1,2}[日号]|(?<!\d)\d{1,3}号|(?<!\d)\d{1,2}[-_./]\d{1,2}[-_./]20\d\d(?!\d)"
)
# Subjects and years, not somebody called 金.
LIKE_FAMILIES = "金融|计算机|应用|安全|管理|路桥|车辆|水利|文学|方向|高[一二三]"
FAMILIES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金"
    "韦贾夏付傅方邹熊白孟秦邱侯江尹薛闫雷龙黎史陶贺毛段郝顾龚邵万覃武钱戴严莫孔向汤常温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁"
    "岳翟申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单裴霍涂成苗谷曲盛冉翁蓝骆路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳"
    "穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖"
    "巩明池查麻苑迟邝"
)
DOUBLE = "欧阳|司马|上官|诸葛|夏侯|皇甫|尉迟|公孙|慕容|令狐|宇文|长孙|司徒|端木|东方|独孤|南宫|西门|轩辕"
# A class by its year, as in 王伟(计科2101); only where somebody else's name stands beside it.
YEAR = re.compile(
    rf"(?<![{HAN}·])(?:(?:{LIKE_FAMILIES})[{HAN}]{{0,6}}|(?![{FAMILIES}])[{HAN}]{{2,6}})(?:20)?[12]\d0\d(?!\d)"
    rf"|(?<!{WORD})[A-Z]{{2,4}}[12]\d0\d(?!{WORD})"
)
TEAM = re.compile(r"组$|^(group|team)", re.IGNORECASE)
GROUP = re.compile(
    rf"(?<![{HAN}·])(?:(?:{LIKE_FAMILIES})[{HAN}]{{0,8}}|(?![{FAMILIES}一二三四五六七八九十])[{HAN}]{{1,10}})"
    rf"\d*\(?(?:\d+|[一二三四五六七八九十]+)\)?班|(?<![{HAN}·])[{HAN}]{{1,4}}老师的?班"
    rf"|(?:{ORDINAL})\(?(?:\d+)?\)?班|(?:{ORDINAL})年级(?:\(?(?:\d+|[一二三四五六七八九十]+)\)?班)?|(?:20)?\d\d级(?:[{HAN}]{{0,10}}?(?:\d+|[一二三四五六七八九十]+)\)?班)?|第[\d一二三四五六七八九十]+小?组|(?:{ORDINAL})小?组"
    rf"|(?<!{WORD})(?:class|section|group|team|period)[ _-]?(?:\d{{1,3}}|[A-Z])(?!{WORD})",
    re.IGNORECASE,
)
NOT_ALONE = re.compile(
    "(?:"
    "an|and|answer|answers|all|archive|attachment|attachments|backup|bundle|class|classes|code|course|data|doc|"
    "docs|done|download|downloads|draft|early|edition|export|exports|feedback|file|files|folder|grades|group|"
    "groups|helper|helpers|inbound|index|late|list|main|misc|my|mywork|new|notebook|notebooks|of|old|on|out|"
    "problem|problems|question|readme|report|response|s|responses|result|results|roster|scratch|section|sections|"
    "semester|solution|solutions|students|task|tasks|team|teams|temp|term|test|tests|the|time|tmp|untitled|utils|"
    "version|week|work|works|zip|zips|monday|tuesday|wednesday|thursday|friday|saturday|sunday|morning|afternoon|"
    "evening|am|pm|template|sample|instructions|rubric|starter|original|blank|我|我的|全部|所有|全班|说明|其他|学生|无标题|未命名|新建|老师|教师|工作簿|工作表|的|同学|微信|"
    "群文件|要求|参考|标准|模板|模版|范例|示例|样例|题目|通知|须知|评分|评分标准|评分细则|反馈|截图|图片|照片|数据|数据集|教案|课件|讲义|"
    "按时|准时|逾期|晚交|周一|周二|周三|周四|周五|周六|周日|上午|下午|晚上"
    r")[\d.]*",
    re.IGNORECASE,
)

DAY = re.compile(r"20[1-3]\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")  # or a student's number
NUMBER = re.compile(r"[A-Za-z]{0,4}\d{5,20}[A-Za-z]?")
TOKEN = re.compile(
    rf"[{HAN}](?:[{HAN}·•]*[{HAN}])?\d{{0,2}}(?!\d)|[{HAN}]+|[^\s_\-+()\[\]{{}},，、:：;；#|\0{HAN}]+|\0"
)
SPACED = re.compile(rf"(?<![{HAN}])([{HAN}]) +([{HAN}])(?![{HAN}])")  # 王　伟, as lists have it
GONE = "\0"  # stands where something was taken off


@dataclass(frozen=True)
class Named:
    """What a name says."""

    name: str = ""
    number: str = ""
    group: str = ""

    @property
    def likely(self):
        """How much it looks like a person: 0 not at all, 3 as a number, a Chinese name or an address do."""
        if self.number or "@" in self.name.strip("@"):
            return 3
        if re.fullmatch(rf"[{HAN}·•]+", self.name):
            familiar = 1 < len(self.name) < 5 and self.name[0] in FAMILIES
            return 3 if familiar or "·" in self.name else 1
        words = self.name.split()
        if 2 <= len(words) <= 4 and all(word[0].isupper() and re.sub("[-,.'’]", "", word).isalpha() for word in words):
            return 2
        return 0.5 if len(self.name) == 1 or self.name.isdigit() else float(bool(self.name))


def tidy(name):
    """A name in Unicode's composed form, without what nobody sees; whole otherwise."""
    return " ".join(INVISIBLE.sub("", unicodedata.normalize("NFC", name)).split())


def stem(name):
    """A file's name without the endings that say what kind of file it is."""
    if (shorter := NOTEBOOK.sub("", name)) != name:
        return shorter
    while (shorter := ENDING.sub("", name)) != name:
        name = shorter
    return name


def is_notebook(name):
    return bool(NOTEBOOK.search(name))


@cache
def taken_off(assignment):
    own = rf"的?(?<!{WORD})(?:^\d{{1,2}}[-_. ]+)?{re.escape(assignment)}(?:[-_ ]?\d{{1,2}})?(?!{WORD})"
    own = rf"^\d{{1,2}}[-_. ]+{own}|{own}"
    english = rf"(?<!{WORD})(?:{ENGLISH})(?!{WORD})"
    return re.compile(rf"{DATE}|{own}|{CHINESE}|{english}|{NUMBERED_COPY}|”?的副本|\.ipynb\b", re.IGNORECASE)


@cache
def read(text, assignment):
    """Named, from the name of a folder or the stem of a file."""
    whole = tidy(text.translate(HALF))
    shown = uncopied(whole)
    group = GROUP.search(shown)
    rest = uncopied(taken_off(assignment).sub(GONE, GROUP.sub(GONE, shown)))
    if (year := YEAR.search(rest)) and re.search(r"[^\W\d_]", YEAR.sub("", rest)):
        group, rest = group or year, YEAR.sub(GONE, rest)
    tokens = list(TOKEN.finditer(rest))
    numbers = [token[0] for token in tokens if NUMBER.fullmatch(token[0])]
    words = [token for place, token in enumerate(tokens) if is_word(tokens, place)]
    if all(NOT_ALONE.fullmatch(word[0]) for word in words):
        words = []
    if not words and not numbers and (only := re.fullmatch(r"[\s_.-]*(\d+)[\s_.-]*", shown)):
        return Named(only[1])
    if len(words) > 1 and len({folded(word[0]) for word in words}) == 1:  # 王伟(王伟), as some programs write it
        words = words[:1]
    name = unspaced(joined(rest, words))
    if words and re.match(r"[-+=@]", rest) and words[0].start() == 1:
        name = rest[0] + name
    return Named(name.strip(". "), numbers[0] if numbers else "", group[0] if group else "")


def unspaced(name):
    return SPACED.sub(r"\1\2", name)


def is_word(tokens, place):
    """Whether a token is of the name: short numbers are where they follow a word, as in alice-2."""
    token = tokens[place][0]
    if token == GONE or NUMBER.fullmatch(token):
        return False
    if not re.fullmatch(r"\d+\.?", token):
        return True
    return place > 0 and is_word(tokens, place - 1)


def joined(text, words):
    """The words with what stood between them, or a space where something was taken off there."""
    name = ""
    for before, word in zip([None, *words], words, strict=False):
        between = text[before.end() : word.start()] if before else ""
        name += (between if re.fullmatch(r"[\s_\-+,、·.]*", between) else " ") + word[0]
    return name


def uncopied(name):
    """Without what downloading, copying and our editions add to a name."""
    while (shorter := COPIED.sub("", name)) != name:
        name = shorter
    return name


def folded(name):
    """What two ways of writing one name have in common; accents are none of it."""
    plain = unicodedata.normalize("NFKC", tidy(name.translate(HALF))).casefold()
    return "".join(char for char in plain if unicodedata.category(char)[0] in "LNMS")


def same(name):
    """What two ways of writing one name have in common where no roster settles it: only capitals and spaces differ."""
    return re.sub(r"(?<=\w)[\s_-]+(?=\w)", " ", tidy(name.translate(HALF)).lower())


def plain(folded):
    """A folded name without accents, as some platforms write names."""
    return "".join(char for char in unicodedata.normalize("NFD", folded) if not unicodedata.combining(char))


def key_of(name, taken):
    """A name for nbgrader's folders and ours: the name itself where every disk and nbgrader's patterns take it.

    taken: the other students' keys; disks may take names that differ in capitals or in Unicode's form for one.
    """
    key = "".join(char if char in " .@'’-_,()·" or unicodedata.category(char)[0] in "LNM" else "_" for char in name)
    key = key.strip(" .") or "_"
    key = key if key[0] not in "-~" else "_" + key[1:]
    taken = {disk_name(other) for other in taken}
    if key == name and len(key.encode()) <= 80 and disk_name(key) not in taken:
        return key
    short = key.encode()[:64].decode(errors="ignore").rstrip(" .")
    if short == key and disk_name(key) not in taken:
        return key
    for salt in range(len(taken) + 1):
        hashed = f"{short}_{hashlib.sha256(f'{name}{salt or str()}'.encode()).hexdigest()[:8]}"
        if disk_name(hashed) not in taken:
            return hashed
    raise AssertionError("as many keys as others, and one more")


def disk_name(key):
    return unicodedata.normalize("NFKC", key).casefold()
